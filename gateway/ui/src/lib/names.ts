/** Last part of a resource name: `plans/2026-07` gives `2026-07`. */
export function lastPart(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Address in the portal of a record below an organisation: `organisations/a/items/7` is `/items/a/7`. */
export function pathBelow(page: string, name: string): string {
  const parts = name.split('/');
  return `/${page}/${encodeURIComponent(parts[1] ?? '')}/${encodeURIComponent(parts.slice(3).join('/'))}`;
}
