"""`python -m hedgebot`: the command line where its script is not on the path. Owns nothing, and does nothing more."""

from hedgebot.console.main import main

main()
