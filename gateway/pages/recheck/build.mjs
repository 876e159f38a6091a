// Builds dist/: recheck.js (the page), ceremony.js (the page of a ceremony), witness.js (the page of a witness), worker.js (the verifier), drand.js (what it fetches for a drand beacon), cli.mjs (the same verifier for Node), recheck.css.
import { build } from "esbuild";
import { copyFile, mkdir, rm } from "node:fs/promises";

await rm("dist", { recursive: true, force: true });
await mkdir("dist");
const common = { bundle: true, minify: true, legalComments: "eof", logLevel: "info", charset: "utf8" };
await Promise.all([
  build({ ...common, entryPoints: ["src/recheck.ts"], outfile: "dist/recheck.js", format: "iife", target: "es2020" }),
  build({ ...common, entryPoints: ["src/ceremony.ts"], outfile: "dist/ceremony.js", format: "iife", target: "es2020" }),
  build({ ...common, entryPoints: ["src/witness.ts"], outfile: "dist/witness.js", format: "iife", target: "es2020" }),
  build({ ...common, entryPoints: ["src/worker.ts"], outfile: "dist/worker.js", format: "iife", target: "es2022" }),
  build({ ...common, entryPoints: ["src/drand.ts"], outfile: "dist/drand.js", format: "iife", globalName: "qingtianDrand",
          target: "es2022" }),
  build({ ...common, entryPoints: ["src/cli.ts"], outfile: "dist/cli.mjs", format: "esm", platform: "node", target: "node20",
          minify: false }),
  copyFile("recheck.css", "dist/recheck.css"),
]);
