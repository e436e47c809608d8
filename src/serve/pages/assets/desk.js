// Passkeys at the desk: a form asks the browser's authenticator to sign the challenge that the page
// states, and sends what it answers. Nothing is decided here; the log verifies the answer.
"use strict";
(() => {
  const bytes = (text) => {
    const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(plain, (c) => c.charCodeAt(0));
  };
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
  const say = (form, why) => {
    const place = form.querySelector("[data-error]");
    place.textContent = why;
    place.hidden = !why;
  };
  const send = (form) => HTMLFormElement.prototype.submit.call(form);
  const asking = (form, ask) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (!window.PublicKeyCredential || !navigator.credentials) {
        say(form, form.dataset.none);
        return;
      }
      say(form, "");
      const button = form.querySelector("button");
      button.disabled = true;
      try {
        if (await ask(form)) {
          send(form);
          return;
        }
      } catch (error) {
        say(form, `${form.dataset.cancelled} (${error.name})`);
      }
      button.disabled = false;
    });
  };
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    asking(form, async () => {
      const key = form.querySelector("input[name=key]:checked");
      const made = await navigator.credentials.get({
        publicKey: {
          challenge: bytes(key.dataset.challenge),
          rpId: form.dataset.rp,
          userVerification: "required",
          timeout: 120000,
        },
      });
      const handle = made.response.userHandle;
      if (handle && new TextDecoder().decode(handle) !== key.dataset.handle) {
        say(form, form.dataset.other);
        return false;
      }
      form.elements.auth_data.value = text(made.response.authenticatorData);
      form.elements.client_data.value = text(made.response.clientDataJSON);
      form.elements.sig.value = text(made.response.signature);
      return true;
    });
  }
  for (const form of document.querySelectorAll("form[data-register]")) {
    asking(form, async () => {
      const officer = form.dataset.officer;
      const name = `${officer}/${form.elements.key.value}`;
      const made = await navigator.credentials.create({
        publicKey: {
          // No attestation is asked for, so that nothing rests on this challenge.
          challenge: crypto.getRandomValues(new Uint8Array(32)),
          rp: { id: form.dataset.rp, name: "Blockfeed" },
          user: { id: new TextEncoder().encode(name), name, displayName: name },
          pubKeyCredParams: [
            { type: "public-key", alg: -7 },
            { type: "public-key", alg: -8 },
          ],
          authenticatorSelection: { residentKey: "required", userVerification: "required" },
          attestation: "none",
          timeout: 120000,
        },
      });
      form.elements.spki.value = text(made.response.getPublicKey());
      return true;
    });
  }
})();
