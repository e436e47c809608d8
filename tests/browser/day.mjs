// The officer's day in a real browser, in Vietnamese and then in English: a list is pasted, proposed, approved by
// passkey and applied by an agent; the owner of a shop appeals; a stay unblocks; two officers revoke; the log is audited.
// node day.mjs [vi|en]
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Album, Person, launch } from "./people.mjs";
import { speaking } from "./texts.mjs";
import { AGENT, World, until } from "./world.mjs";

const artefacts = process.env.ARTEFACTS ?? "target/browser";
const SECONDS = 5; // within which a stay has to unblock, at the feed and at the agent

const accounts = [
  { name: "thu.ha", unit: "moit.e-commerce", roles: ["officer"], officer: "o-0017" },
  { name: "minh.duc", unit: "moit.domestic-market", roles: ["approver"], officer: "o-0042" },
];

// Two hundred lines as officers get them: names of a real list, and the odd lines of three (URLs, apps, other scripts).
function list() {
  const data = (name) => readFileSync(new URL(`../data/${name}`, import.meta.url), "utf8").split("\n");
  const odd = data("quirks.tsv").filter((line) => /^\d/.test(line)).map((line) => JSON.parse(line.split("\t")[1]));
  const names = data("chongluadao-sample.txt").filter((line) => line && !line.startsWith("#") && !odd.includes(line));
  return [...names.slice(0, 140), ...odd.slice(0, 60)];
}

class Day {
  constructor(browser, lang) {
    this.browser = browser;
    this.lang = lang;
    this.t = speaking(lang);
    this.album = new Album(join(artefacts, lang));
  }

  // One step of the story; a failure says which, where, and leaves a picture.
  async step(what, who, does) {
    const began = performance.now();
    try {
      const more = await does(who);
      await this.album.take(who.page, what.toLowerCase().replace(/[^a-z]+/g, "-"));
      assert.deepEqual(who.faults, [], "the page has errors in its console");
      console.log(`  ok  ${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${what}${more ? `: ${more}` : ""}`);
    } catch (error) {
      const picture = await this.album.take(who.page, "FAILED").catch(() => "no picture");
      const text = (await who.page.locator("main").innerText({ timeout: 2000 }).catch(() => "")).slice(0, 600);
      throw new Error(`"${what}" failed: ${error.message}\n  at ${who.page.url()}, picture ${picture}\n  ${text}\n${this.world.told()}`);
    }
  }

  async begin() {
    this.world = await World.begin(accounts);
    await this.world.follow();
    const person = (name) => Person.at(this.browser, this.world, this.t, this.lang, name);
    [this.officer, this.second, this.owner] = [await person("thu.ha"), await person("minh.duc"), await person("owner")];
    for (const one of [this.officer, this.second, this.owner]) {
      await one.open("/");
      if (this.lang === "en") await one.speak("en");
    }
  }

  async signingIn() {
    const documents = [];
    for (const who of [this.officer, this.second]) {
      await this.step(`${who.name} sets the account up`, who, async () => {
        await who.plugIn();
        await who.enrol();
        await this.album.take(who.page, "enrolment-filled-in");
        await who.press("desk.enrol.button");
        await who.reaches("desk.sign_in.title");
      });
      await this.step(`${who.name} signs in with password and code`, who, async () => {
        await who.signIn();
        await who.press("desk.sign_in.button");
        await who.reaches("desk.queue.title");
        await who.says("desk.queue.nothing");
      });
      await this.step(`${who.name} makes a passkey`, who, async () => {
        documents.push(await who.makePasskey());
        await who.says("desk.passkey.then_lead");
      });
    }
    await this.step("the root keys put both passkeys into the trust document", this.officer, async (who) => {
      this.world.trust(documents);
      await who.open("/desk/account");
      await who.page.getByRole("cell", { name: this.t("desk.own.passkey"), exact: true }).waitFor();
    });
  }

  async proposing() {
    const lines = list();
    assert.equal(lines.length, 200);
    await this.step("the officer pastes 200 lines", this.officer, async (who) => {
      await who.follow("desk.nav.propose");
      await who.fill("desk.paper.list", lines.join("\n"));
      await who.page.locator("#category").selectOption("deceptive");
      await who.page.locator("#head").selectOption("trade_fraud");
      await this.grounds(who, "12/QĐ-TMĐT", "Giả mạo sàn thương mại điện tử để lừa người mua.");
    });
    await this.step("reads the verdict of every line", this.officer, async (who) => {
      await who.press("desk.paper.check");
      await who.reaches("desk.verdict.title");
      const figures = await who.page.locator(".figures b").allInnerTexts();
      const [all, accepted, merged, refused] = figures.map(Number);
      assert.equal(all, 200);
      assert.ok(accepted > 140 && refused > 10, `accepted ${accepted}, refused ${refused}`);
      this.refused = refused;
      return `${accepted} accepted, ${merged} merged, ${refused} refused`;
    });
    await this.step("reads why lines were refused", this.officer, async (who) => {
      await who.page.getByRole("main").getByRole("link", { name: this.t("desk.outcome.refused"), exact: true }).click();
      const row = who.page.getByRole("row").filter({ hasText: "4-t.net/domain" });
      const said = await row.innerText();
      assert.ok(said.includes(this.t("desk.outcome.refused")) && said.includes("url_with_path"), said);
      assert.ok(said.includes(this.t("desk.verdict.offer")), `no right form is offered: ${said}`);
      const rows = await who.page.locator("tbody tr").allInnerTexts();
      assert.equal(rows.length, this.refused);
      for (const text of rows) assert.ok(text.includes(this.t("desk.outcome.refused")), text);
    });
    await this.step("signs the proposal with the passkey", this.officer, async (who) => {
      await who.sign();
      await who.says("desk.status.proposed");
      await who.says("desk.proposal.mine");
      assert.deepEqual(await this.world.published(), [], "one signature has listed something");
      this.decision = who.page.url().split("/").pop();
    });
  }

  async approving() {
    this.shop = "11luxu.com";
    await this.step("the second officer finds it in the queue", this.second, async (who) => {
      await who.open("/desk");
      await who.page.getByRole("link", { name: this.decision }).click();
      await who.says("desk.since.title");
      await who.says("desk.proposal.says");
    });
    await this.step("the second officer approves by passkey, and the feed changes", this.second, async (who) => {
      await who.sign();
      await who.says("desk.status.committed");
      const feed = await until("the feed has the shop", async () => (await this.world.published()).includes(this.shop));
      const agent = await until("the agent blocks it", () => this.world.applied().includes(this.shop));
      const domains = (await this.world.published()).length;
      assert.ok(domains > 140, `${domains} names in the feed`);
      return `feed after ${feed} ms, agent ${agent} ms later, ${domains} names`;
    });
    await this.step("the agent's receipt appears", this.second, async (who) => this.acted(who));
  }

  // Who has acted: the agent says by its own signature that it has applied the newest serial.
  async acted(who) {
    const serial = await this.world.serial();
    const wanted = [AGENT, this.t("acted.current"), `${serial}, `, this.t("acted.none")];
    await until(`"${wanted.join('", "')}" stand in a row`, async () => {
      await who.open("/desk/subscribers");
      const row = await who.page.getByRole("row").filter({ hasText: AGENT }).first().innerText();
      return wanted.every((text) => row.includes(text));
    });
    return `serial ${serial}`;
  }

  async appealing() {
    await this.step("the owner looks the name up", this.owner, async (who) => {
      await who.open("/");
      await who.page.getByRole("searchbox").or(who.page.locator("#q")).first().fill(`HTTPS://${this.shop.toUpperCase()}/`);
      await who.page.keyboard.press("Enter");
      await who.says("lookup.listed");
      await who.sees("Giả mạo sàn thương mại điện tử");
      await who.says("lookup.until");
    });
    await this.step("the owner appeals", this.owner, async (who) => {
      await who.follow("lookup.appeal");
      assert.equal(await who.page.locator("#decision").inputValue(), this.decision);
      await who.fill("appeal.text", "Cửa hàng có giấy phép và hợp đồng ủy quyền của nhãn hàng.");
      await who.fill("appeal.name", "Công ty TNHH Mười Một");
      await this.album.take(who.page, "appeal-filled-in");
      await who.press("appeal.send");
      await who.says("taken.once");
      this.receipt = await who.page.locator("#receipt").innerText();
      this.secret = await who.page.locator("#secret").innerText();
    });
  }

  async staying() {
    await this.step("the officer opens the appeal", this.officer, async (who) => {
      await who.follow("desk_case.title");
      await who.page.getByRole("link", { name: this.receipt }).click();
      await who.sees("hợp đồng ủy quyền");
      await who.says("follow.clocks");
    });
    await this.step("takes it to a stay", this.officer, async (who) => {
      await who.page.getByRole("radio", { name: this.t("case.stayed") }).check();
      await who.fill("desk_case.why", "Có giấy phép; cần xác minh.");
      await who.press("desk_case.move");
      await who.says("desk.act.stay_lead");
      assert.equal(await who.page.locator("#appeal").inputValue(), this.receipt);
      await this.grounds(who, "15/QĐ-TMĐT", "Khiếu nại có cơ sở, tạm ngừng để xác minh.");
    });
    await this.step("one signature unblocks", this.officer, async (who) => {
      await who.press("desk.act.next");
      await who.reaches("desk.verdict.title");
      const began = performance.now();
      await who.sign();
      await until("the feed is free of the shop", async () => !(await this.world.published()).includes(this.shop));
      const feed = performance.now() - began;
      await until("the agent has unblocked it", () => !this.world.applied().includes(this.shop));
      const agent = performance.now() - began;
      await who.says("desk.status.committed");
      assert.ok(agent < SECONDS * 1000, `it took ${Math.round(agent)} ms until the agent had unblocked`);
      return `from the touch of the key: feed ${Math.round(feed)} ms, agent ${Math.round(agent)} ms`;
    });
    await this.step("the owner sees the stay", this.owner, async (who) => {
      await who.open(`/lookup?q=${this.shop}`);
      await who.says("lookup.stayed");
    });
    await this.step("proposes to keep it until the answer", this.officer, async (who) => {
      await this.leadsOn(who, "action.stay");
      await who.page.getByRole("radio", { name: this.t("desk.act.longer") }).check();
      this.longer = await this.proposes(who, "16/QĐ-TMĐT", "Kéo dài việc tạm ngừng đến khi trả lời khiếu nại.");
    });
    await this.step("the second officer confirms the stay", this.second, async (who) => this.confirms(who, this.longer));
    await this.step("the case has followed", this.officer, async (who) => this.stands(who, "confirmed"));
  }

  async revoking() {
    await this.step("the officer proposes the revocation", this.officer, async (who) => {
      await this.leadsOn(who, "action.revoke");
      await who.says("desk.act.revoke_lead");
      this.revocation = await this.proposes(who, "21/QĐ-TMĐT", "Khiếu nại đúng: cửa hàng hợp pháp.");
    });
    await this.step("the second officer revokes by passkey", this.second, async (who) => this.confirms(who, this.revocation));
    await this.step("the case has followed", this.officer, async (who) => this.stands(who, "revoked"));
    await this.step("the owner is free, and reads the answer", this.owner, async (who) => {
      await who.open(`/lookup?q=${this.shop}`);
      await who.says("lookup.free");
      await who.open(`/appeals/${this.receipt}`);
      await who.fill("taken.secret", this.secret);
      await who.press("follow.show");
      await who.says("case.revoked");
    });
    await this.step("the decision's life is public", this.owner, async (who) => {
      await who.open(`/decisions/${this.decision}`);
      await who.says("decisions.partly");
      await who.page.getByRole("link", { name: this.revocation }).first().waitFor();
    });
    await this.step("the agent's last receipt appears", this.second, async (who) => this.acted(who));
  }

  // What was published holds, with the passkeys' signatures in it.
  async auditing() {
    const { holds, report } = this.world.audit();
    assert.equal(holds, true);
    assert.deepEqual(report.decisions, { list: 1, revoke: 1, stay: 2 });
    // k2 is the passkey of each: k1, the command line's key, signed nothing.
    assert.deepEqual(report.approvals, { "o-0017": 4, "o-0042": 3 });
    for (const id of [this.decision, this.longer, this.revocation]) {
      const { approvals } = await (await fetch(`${this.world.url}/api/v1/decisions/${id}`)).json();
      assert.deepEqual(approvals.map((one) => one.key), ["k2", "k2"], `${id} was signed by another key`);
    }
    console.log(`  ok          audit: ${report.size} leaves hold, 4 decisions by 7 signatures of passkeys`);
  }

  // The case stands where the log's decisions have brought it.
  async stands(who, state) {
    await who.open(`/desk/cases/${this.receipt}`);
    await who.page.locator(".lead").getByText(this.t(`case.${state}`)).waitFor();
  }

  // From the case on to the form of a stay or a revocation.
  async leadsOn(who, action) {
    await who.open(`/desk/cases/${this.receipt}`);
    await who.page.locator("main").getByRole("link", { name: this.t(action), exact: true }).click();
  }

  // Fills in the grounds, looks, signs; gives the proposal's number.
  async proposes(who, number, reasons) {
    await this.grounds(who, number, reasons);
    await who.press("desk.act.next");
    await who.reaches("desk.verdict.title");
    await who.sign();
    await who.says("desk.status.proposed");
    return who.page.url().split("/").pop();
  }

  // The second signature.
  async confirms(who, proposal) {
    await who.open(`/desk/proposals/${proposal}`);
    await who.sign();
    await who.says("desk.status.committed");
  }

  // Number, day and reasons of the document that a decision rests on.
  async grounds(who, number, reasons) {
    await who.page.locator("#authority").selectOption("moit.e-commerce");
    await who.fill("desk.form.number", number);
    await who.page.locator("#reasons").fill(reasons);
  }
}

async function run(lang) {
  console.log(`The officer's day, ${lang === "vi" ? "in Vietnamese" : "in English"}:`);
  const began = performance.now();
  const browser = await launch();
  const day = new Day(browser, lang);
  try {
    await day.begin();
    for (const part of ["signingIn", "proposing", "approving", "appealing", "staying", "revoking", "auditing"]) await day[part]();
    console.log(`  ${day.album.taken} pictures in ${day.album.folder}; ${((performance.now() - began) / 1000).toFixed(0)} s`);
  } finally {
    await browser.close();
    await day.world?.end();
  }
}

try {
  for (const lang of process.argv[2] ? [process.argv[2]] : ["vi", "en"]) await run(lang);
} catch (error) {
  console.error(`  FAILED: ${stripVTControlCharacters(error.message)}`);
  process.exitCode = 1;
}
