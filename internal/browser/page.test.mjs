// The page that "wherry serve" has at /, in headless Chromium.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { serve } from "./wherry.mjs";

let server, browser;
before(async () => {
  server = await serve();
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox", // CI runs as root
      "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
});
after(async () => {
  await browser?.close();
  assert.equal(await server.stop(), 0, server.log.join("\n"));
});

// open returns a tab with the page in it. It fails the test on anything that
// the page complains of, a broken content security policy included.
async function open(options) {
  const context = await browser.newContext({ locale: "en", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) page.complaints.push(message.text());
  });
  await page.goto(`http://${server.address}/`);
  return page;
}

async function photograph(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, name + ".png"), fullPage: true });
}

// box offers what a person does with one of the page's two boxes.
function box(page, id) {
  const section = page.locator("#" + id);
  const button = (name) => section.getByRole("button", { name, exact: true });
  return {
    button,
    field: (name) => section.getByLabel(name, { exact: true }),
    state: (text) => section.getByRole("status").filter({ hasText: text }).waitFor(),
    line: (text) => section.getByRole("listitem").filter({ hasText: text }).waitFor(),
    lines: (text) => section.getByRole("listitem").filter({ hasText: text }),
    async say(text) {
      await section.getByLabel("Message", { exact: true }).fill(text);
      await button("Send").click();
    },
  };
}

test("the page has a policy and keeps to it", async () => {
  const response = await fetch(`http://${server.address}/`);
  assert.match(response.headers.get("content-type"), /^text\/html/);
  assert.match(response.headers.get("content-security-policy"), /default-src 'none'.*script-src 'sha256-/);
  assert.doesNotMatch(await response.text(), /(src|href)="(?!data:)/, "nothing is loaded from elsewhere");
});

test("echo", async () => {
  const page = await open();
  const echo = box(page, "echo");
  assert.ok(await echo.button("Send").isDisabled());
  assert.ok(await echo.button("Disconnect").isDisabled());
  await echo.button("Connect").click();
  await echo.state("open");
  assert.ok(await echo.button("Connect").isDisabled());
  for (const text of ["hello", "naïve 🛶", "<b>not markup</b>"]) {
    await echo.say(text);
    await echo.line("← " + text);
  }
  await echo.button("Disconnect").click();
  await echo.state("closed, code 1000");
  assert.ok(await echo.button("Connect").isEnabled());
  assert.deepEqual(page.complaints, []);
});

test("two tabs chat", async () => {
  const pages = [await open(), await open({ colorScheme: "dark" })];
  const [ann, bob] = pages.map((page) => box(page, "chat"));
  for (const [tab, nick] of [[ann, "ann"], [bob, "bob"]]) {
    await tab.field("Nick").fill(nick);
    await tab.field("Room").fill("boats");
    await tab.button("Connect").click();
    await tab.line("is now " + nick);
  }
  await ann.line("is now bob");
  await ann.say("who rows?");
  await bob.line("ann: who rows?");
  await bob.say("you do");
  await ann.line("bob: you do");
  await bob.field("Nick").fill("rob");
  await bob.field("Nick").blur();
  await ann.line("bob is now rob");
  await photograph(pages[0], "light");
  await photograph(pages[1], "dark");
  await bob.button("Disconnect").click();
  await ann.line("* rob left");
  for (const page of pages) assert.deepEqual(page.complaints, []);
});

test("a room of one's own", async () => {
  const [here, elsewhere] = [box(await open(), "chat"), box(await open(), "chat")];
  await elsewhere.field("Room").fill("other");
  for (const tab of [here, elsewhere]) {
    await tab.button("Connect").click();
    await tab.state("open");
  }
  await elsewhere.say("nobody hears this");
  await elsewhere.line("nobody hears this");
  await here.say("first");
  await here.line(": first");
  assert.equal(await here.field("Room").isDisabled(), true);
  assert.equal(await here.lines("nobody hears").count(), 0);
});

test("the page is usable on a phone and tells when the server goes", async () => {
  const mortal = await serve();
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const page = await context.newPage();
  await page.goto(`http://${mortal.address}/`);
  const echo = box(page, "echo");
  await echo.button("Connect").click();
  await echo.state("open");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `${width} pixels wide`);
  assert.equal(await mortal.stop(), 0);
  await echo.state("closed, code 1001");
  await photograph(page, "phone");
});
