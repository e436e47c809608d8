// People in front of a browser: each with a context of their own, and officers with an authenticator.
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { URI, Secret, TOTP } from "otpauth";
import { chromium } from "playwright-core";

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const PASSWORD = "bốn con ngựa trắng trên đồi";

// One Chromium under a fresh profile; it ends with this process.
export const launch = () =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags });

// Pictures of one run, numbered in the order in which they were taken.
export class Album {
  constructor(folder) {
    this.folder = folder;
    this.taken = 0;
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
  }

  async take(page, name, more = {}) {
    this.taken += 1;
    const path = join(this.folder, `${String(this.taken).padStart(2, "0")}-${name}.png`);
    await page.screenshot({ path, fullPage: true, animations: "disabled", ...more });
    return path;
  }
}

export class Person {
  // Somebody who opens the pages of a world in a language.
  static async at(browser, world, t, lang, name) {
    const person = new Person();
    Object.assign(person, { world, t, name });
    person.context = await browser.newContext({ baseURL: world.url, locale: lang, timezoneId: "Asia/Ho_Chi_Minh",
      viewport: { width: 1280, height: 900 }, colorScheme: "light", reducedMotion: "reduce" });
    person.context.setDefaultTimeout(15_000);
    person.page = await person.context.newPage();
    person.faults = [];
    person.page.on("pageerror", (error) => person.faults.push(`script: ${error.message}`));
    person.page.on("console", (line) => line.type() === "error" && person.faults.push(`console: ${line.text()}`));
    return person;
  }

  async open(path) {
    await this.page.goto(path);
  }

  // Chooses the other language by the link that every page has.
  async speak(lang) {
    await this.page.locator(`a.lang[hreflang="${lang}"]`).click();
    await this.page.locator(`html[lang="${lang}"]`).waitFor();
  }

  async press(key) {
    await this.page.getByRole("button", { name: this.t(key), exact: true }).click();
  }

  async follow(key) {
    await this.page.getByRole("link", { name: this.t(key), exact: true }).first().click();
  }

  async fill(key, value) {
    const fields = this.page.locator("input, textarea");
    await fields.and(this.page.getByLabel(this.t(key))).first().fill(value);
  }

  // Whether a text of the catalogue, or another, can be seen.
  async sees(text) {
    await this.page.getByText(text).filter({ visible: true }).first().waitFor({ timeout: 8000 }).catch(() => {
      throw new Error(`${this.name} doesn't see "${text}" at ${this.page.url()}`);
    });
  }

  // Waits for the page with this heading.
  async reaches(key, fill) {
    const heading = this.page.getByRole("heading", { level: 1, name: this.t(key, fill), exact: true });
    await heading.waitFor().catch(() => {
      throw new Error(`${this.name} doesn't come to the page "${this.t(key, fill)}", but to ${this.page.url()}`);
    });
  }

  async says(key, fill) {
    await this.sees(this.t(key, fill));
  }

  // The code of so many steps of thirty seconds from now. Each is good once, and the neighbours of now are taken: the
  // account is set up by the one of now, which may grow old while pictures are taken, and signed in by the next.
  code(step) {
    const secret = Secret.fromBase32(this.secret);
    return new TOTP({ secret }).generate({ timestamp: Date.now() + step * 30_000 });
  }

  // Opens the link of the invitation, chooses a password, takes the codes' secret into the telephone.
  async enrol() {
    await this.open(this.world.links[this.name].url ?? this.world.links[this.name].link);
    await this.reaches("desk.enrol.title");
    this.secret = (await this.page.locator(".qr + p code").textContent()).replaceAll(" ", "");
    await this.fill("desk.enrol.password", PASSWORD);
    await this.fill("desk.enrol.again", PASSWORD);
    await this.fill("desk.sign_in.code", this.code(0));
  }

  async signIn() {
    await this.fill("desk.sign_in.name", this.name);
    await this.fill("desk.sign_in.password", PASSWORD);
    await this.fill("desk.sign_in.code", this.code(1));
  }

  // Plugs in an authenticator that verifies its user, as a laptop's own does.
  async plugIn() {
    const session = await this.context.newCDPSession(this.page);
    await session.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true,
      isUserVerified: true, automaticPresenceSimulation: true };
    const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
    this.authenticator = { session, authenticatorId };
  }

  // Makes a passkey at "My account"; gives the text for the trust document.
  async makePasskey() {
    await this.open("/desk/account");
    await this.press("desk.own.register");
    await this.reaches("desk.passkey.title");
    return this.page.locator("#text").textContent();
  }

  // Signs what the page shows; waits for the proposal's page.
  async sign() {
    await this.press("desk.sign.button");
    await this.page.waitForURL("**/desk/proposals/**");
  }
}
