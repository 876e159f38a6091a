import { defineConfig } from "vitest/config";

// Whatever has not come by then hangs. How fast things are is printed, never demanded.
export default defineConfig({ test: { testTimeout: 300_000, hookTimeout: 300_000 } });
