/** Last part of a resource name: `plans/2026-07` gives `2026-07`. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}
