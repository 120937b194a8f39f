// Shows the token to the server once; what comes back is a cookie that no script can read.
"use strict";

const door = document.getElementById("door");
const answer = document.getElementById("answer");

async function knock(token, operator) {
  try {
    const reply = await fetch("/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ token, operator }),
    });
    if (reply.ok) {
      location.replace("/");
      return;
    }
    answer.textContent = reply.status === 401 ? "That is not the token of this book." : `Refused (${reply.status}).`;
  } catch {
    answer.textContent = "The dashboard does not answer.";
  }
}

door.addEventListener("submit", (event) => {
  event.preventDefault();
  knock(document.getElementById("token").value.trim(), document.getElementById("operator").value.trim());
});

// The link that `hedgebot dashboard` prints carries the token behind the #, which no server and no log gets to see.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  history.replaceState(null, "", "/");
  knock(given, "");
}
