// Runs the wherry binary that the environment variable WHERRY names.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

// serve starts "wherry serve" on a free port and waits until it listens. stop
// ends it and returns its exit status; log is what it wrote to stderr.
export async function serve(...args) {
  if (!process.env.WHERRY) throw new Error("set WHERRY to the path of the binary");
  const child = spawn(process.env.WHERRY, ["serve", "--listen", "127.0.0.1:0", ...args], {
    stdio: ["ignore", "inherit", "pipe"],
  });
  const exited = once(child, "exit");
  const log = [];
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const match = /^wherry: listening on (\S+)$/.exec(line);
      if (match) resolve(match[1]);
    });
    child.on("error", reject);
    exited.then(() => reject(new Error("wherry ended before it listened: " + log.join("\n"))));
  });
  return {
    address,
    log,
    async stop() {
      child.kill("SIGTERM");
      const [status] = await exited;
      return status;
    },
  };
}
