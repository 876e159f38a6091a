// Turns a method and its request into an HTTP request by the route of the contract: path first, then body, the rest into the query.
import type { Route } from './contract/routes';

export interface Bound {
  verb: Route['verb'];
  url: string;
  body?: string;
}

type Fields = Record<string, unknown>;

/** Binds a request to its route. Throws when a field of the path is missing, which is a mistake of the page. */
export function bind(route: Route, request: object): Bound {
  const inPath = new Set<string>();
  const path = route.path.replace(/\{([^=}]+)(?:=[^}]*)?\}/g, (_, field: string) => {
    const value = fieldAt(request as Fields, field);
    if (typeof value !== 'string' || value === '') throw new Error(`${route.path}: ${field} is missing`);
    inPath.add(field);
    return value.split('/').map(encodeURIComponent).join('/');
  });
  const rest = Object.fromEntries(Object.entries(request).filter(([field]) => !inPath.has(field)));
  if (route.body === '*') return { verb: route.verb, url: path, body: JSON.stringify(rest) };
  let body: string | undefined;
  if (route.body !== undefined) {
    body = JSON.stringify(rest[route.body] ?? {});
    delete rest[route.body];
  }
  const query = toQuery(rest);
  return { verb: route.verb, url: query ? `${path}?${query}` : path, ...(body === undefined ? {} : { body }) };
}

function fieldAt(request: Fields, path: string): unknown {
  return path.split('.').reduce<unknown>((value, part) => (typeof value === 'object' && value !== null ? (value as Fields)[part] : undefined), request);
}

/** Query of the members that are set; lists repeat the name. */
export function toQuery(members: Fields): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined || one === null || one === '' || one === false || one === 0) continue;
      query.append(name, String(one));
    }
  }
  return query.toString();
}
