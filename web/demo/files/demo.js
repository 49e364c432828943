// The demo's page works without this; with it the buttons do not reload the page and callbacks appear as they come.
(() => {
  "use strict";

  // renew keeps a part of the page as new as what its address answers; what somebody has opened to read stays.
  const renew = (part, address, every) => {
    let last = "";
    const look = async () => {
      try {
        const answer = await fetch(address);
        const text = await answer.text();
        if (answer.ok && text !== last && !part.querySelector("details[open]") && !part.contains(document.activeElement)) {
          last = text;
          part.innerHTML = text;
        }
      } catch {
        // the next look may find it again
      }
      setTimeout(look, document.hidden ? 5000 : every);
    };
    look();
  };
  const recent = document.querySelector("[data-recent]");
  if (recent) renew(recent, "/demo/recent", 2000);

  const order = document.querySelector("[data-order]");
  if (!order) return;
  const base = order.dataset.order;
  const said = document.querySelector("[data-said]");
  const heard = document.querySelector("[data-heard]");

  for (const form of document.querySelectorAll("[data-acts]")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const button = event.submitter;
      const buttons = document.querySelectorAll("[data-acts] button");
      for (const b of buttons) b.disabled = true;
      said.textContent = "Working…";
      try {
        const answer = await fetch(form.getAttribute("action"), { // form.action is the buttons of that name
          method: "POST",
          headers: { Accept: "application/json", "Content-Type": "application/x-www-form-urlencoded" },
          body: new URLSearchParams({ action: button.value }),
        });
        said.textContent = (await answer.json()).said;
      } catch {
        said.textContent = "The demo does not answer.";
      }
      for (const b of buttons) b.disabled = false;
      button.focus();
    });
  }

  renew(heard, base + "/heard", 800);
})();
