// What pages can do with a script, and do as well without: copy a command, print, warn before a
// long form is lost, say to a screen reader what htmx has put in.
"use strict";
(() => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy], button[data-print]");
    if (!button) return;
    event.preventDefault();
    if (button.hasAttribute("data-print")) {
      window.print();
      return;
    }
    const source = document.getElementById(button.dataset.copy);
    if (!source || !navigator.clipboard) return;
    navigator.clipboard.writeText(source.textContent.trim()).then(() => {
      const before = button.textContent;
      button.textContent = button.dataset.done || before;
      setTimeout(() => (button.textContent = before), 2000);
    });
  });
  // Buttons that need a script are hidden until there is one.
  for (const hidden of document.querySelectorAll("[data-script]")) hidden.hidden = false;
  // A form is sent once: a second press of a slow button does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method === "post" && !form.hasAttribute("hx-post")) {
      form.dataset.sent = "yes";
      setTimeout(() => delete form.dataset.sent, 8000);
    }
  });
  // After an error the reader is taken to its summary.
  const summary = document.querySelector(".summary");
  if (summary) summary.focus();
})();
