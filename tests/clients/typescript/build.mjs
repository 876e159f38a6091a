// Types of the contract from its proto files (`generated/`), then the program (`dist/`).
import { execFileSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
let root = here;
while (!existsSync(join(root, "proto", "qingtian"))) {
  if (dirname(root) === root) throw new Error("the proto files are in no folder above this one");
  root = dirname(root);
}
const proto = join(root, "proto");
// The files whose messages the program names; what they import comes along.
const files = ["identity/v1/identity", "events/v1/events", "draws/v1/registers", "draws/v1/draws", "portal/v1/portal"]
  .map((file) => `qingtian/${file}.proto`)
  .concat("google/rpc/error_details.proto", "google/rpc/status.proto");
const run = (tool, ...args) => execFileSync(process.execPath, [join(here, "node_modules", tool), ...args], { cwd: here, stdio: "inherit" });

for (const made of ["generated", "dist"]) rmSync(join(here, made), { recursive: true, force: true });
// As session.ts loads them.
run("@grpc/proto-loader/build/bin/proto-loader-gen-types.js", "--longs=String", "--enums=String", "--defaults", "--oneofs",
  "--grpcLib=@grpc/grpc-js", "--importFileExtension=.js", `--includeDirs=${proto}`, "--outDir=generated", ...files);
run("typescript/bin/tsc", "-p", here);
