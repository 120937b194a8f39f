"""What operators configure: models of the files under config/, and their loader."""
