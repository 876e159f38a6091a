// Writes src/api/contract/ from ../../proto: one module of JSON types per package, and the table of routes and rights.
// Run `npm run contract` after a change of the contract; a unit test compares the result with the proto files.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const protoRoot = join(here, '../../../proto');
const target = join(here, '../src/api/contract');

/** Packages the work portal uses, with the files that make them up. */
const packages = {
  access: ['access/v1/access.proto'],
  common: ['common/v1/common.proto'],
  uploads: ['uploads/v1/uploads.proto'],
  events: ['events/v1/events.proto'],
  clocks: ['clocks/v1/clocks.proto'],
  identity: ['identity/v1/identity.proto', 'identity/v1/users.proto', 'identity/v1/machines.proto', 'identity/v1/sign_ons.proto'],
  catalog: ['catalog/v1/catalog.proto', 'catalog/v1/calendars.proto', 'catalog/v1/clocks.proto', 'catalog/v1/claims.proto', 'catalog/v1/versions.proto', 'catalog/v1/uploads.proto'],
  draws: ['draws/v1/registers.proto', 'draws/v1/register_changes.proto', 'draws/v1/plans.proto', 'draws/v1/caps.proto', 'draws/v1/clocks.proto', 'draws/v1/draws.proto', 'draws/v1/recusals.proto', 'draws/v1/proofs.proto', 'draws/v1/witnesses.proto', 'draws/v1/experts.proto', 'draws/v1/people.proto', 'draws/v1/uploads.proto'],
  portal: ['portal/v1/portal.proto'],
  session: ['session/v1/session.proto'],
};

const scalars = {
  string: 'string', bool: 'boolean', bytes: 'string', int32: 'number', uint32: 'number', double: 'number', float: 'number',
  int64: 'string', uint64: 'string', sint64: 'string', fixed64: 'string',
  'google.protobuf.Timestamp': 'string', 'google.protobuf.Empty': 'Record<string, never>', 'google.api.HttpBody': 'unknown', 'google.protobuf.Any': 'unknown',
};

const camel = (snake) => snake.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

/** Splits a proto file into words, strings and single signs; comments are dropped. */
function tokens(text) {
  const pattern = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:[^"\\]|\\.)*"|[A-Za-z0-9_.]+|\S/g;
  return (text.match(pattern) ?? []).filter((token) => !token.startsWith('//') && !token.startsWith('/*'));
}

/** Parses one proto file into messages, enums and methods. */
function parse(text) {
  const list = tokens(text);
  const found = { messages: [], enums: [], methods: [] };
  let at = 0;
  const skipBlock = () => {
    let depth = 0;
    do {
      if (list[at] === '{') depth += 1;
      if (list[at] === '}') depth -= 1;
      at += 1;
    } while (depth > 0);
  };
  const skipStatement = () => {
    while (list[at] !== ';') {
      if (list[at] === '{') skipBlock();
      else at += 1;
    }
    at += 1;
  };
  const readFields = (fields, oneof) => {
    while (list[at] !== '}') {
      if (list[at] === 'option' || list[at] === 'reserved') skipStatement();
      else if (list[at] === 'oneof') {
        at += 3;
        readFields(fields, true);
      } else {
        const repeated = list[at] === 'repeated';
        const optional = list[at] === 'optional';
        if (repeated || optional) at += 1;
        fields.push({ type: list[at], name: list[at + 1], repeated, optional: oneof || optional });
        skipStatement();
      }
    }
    at += 1;
  };
  const readMethod = (service) => {
    const method = { name: `${service}.${list[at + 1]}`, roles: [] };
    at += 3;
    if (list[at] === 'stream') at += 1;
    method.input = list[at];
    at += 4;
    if (list[at] === 'stream') {
      method.stream = true;
      at += 1;
    }
    method.output = list[at];
    at += 2;
    const start = at;
    if (list[at] === '{') skipBlock();
    else at += 1;
    const body = list.slice(start, at);
    let more = false;
    for (let i = 0; i < body.length; i += 1) {
      // A method may be served at more addresses; the portal uses the first.
      if (body[i] === 'additional_bindings') more = true;
      if (!more && ['get', 'post', 'patch', 'put', 'delete'].includes(body[i]) && body[i + 1] === ':') {
        method.verb = body[i].toUpperCase();
        method.path = JSON.parse(body[i + 2]);
      }
      if (!more && body[i] === 'body' && body[i + 1] === ':') method.body = camel(JSON.parse(body[i + 2]));
      if (body[i] === 'roles' && body[i + 1] === ':') method.roles.push(body[i + 2]);
    }
    found.methods.push(method);
  };
  while (at < list.length) {
    if (list[at] === 'message') {
      const message = { name: list[at + 1], fields: [] };
      at += 3;
      readFields(message.fields, false);
      found.messages.push(message);
    } else if (list[at] === 'enum') {
      const item = { name: list[at + 1], values: [] };
      at += 3;
      while (list[at] !== '}') {
        if (list[at] === 'option' || list[at] === 'reserved') skipStatement();
        else {
          item.values.push(list[at]);
          skipStatement();
        }
      }
      at += 1;
      found.enums.push(item);
    } else if (list[at] === 'service') {
      const service = list[at + 1];
      at += 3;
      while (list[at] !== '}') {
        if (list[at] === 'rpc') readMethod(service);
        else skipStatement();
      }
      at += 1;
    } else if (list[at] === 'extend') {
      at += 2;
      skipBlock();
    } else skipStatement();
  }
  return found;
}

const head = '// Written by scripts/contract.mjs from the proto files. Do not edit.\n';

/** The name of a type as seen from a package, and the package it has to be imported from. */
function typeName(type, own) {
  if (scalars[type]) return { name: scalars[type], from: null };
  const other = /^qingtian\.([a-z]+)\.v1\.(\w+)$/.exec(type);
  if (other) return { name: other[1] === own ? other[2] : `${other[1]}.${other[2]}`, from: other[1] === own ? null : other[1] };
  return { name: type, from: null };
}

/** All modules by file name. */
export function generate(root = protoRoot) {
  const files = {};
  const methods = [];
  for (const [own, sources] of Object.entries(packages)) {
    const parts = sources.map((source) => parse(readFileSync(join(root, 'qingtian', source), 'utf8')));
    const imports = new Set();
    let text = '';
    for (const part of parts) {
      for (const item of part.enums) text += `\nexport type ${item.name} =\n${item.values.map((value) => `  | '${value}'`).join('\n')};\n`;
      for (const message of part.messages) {
        if (message.fields.length === 0) {
          text += `\nexport type ${message.name} = Record<string, never>;\n`;
          continue;
        }
        text += `\nexport interface ${message.name} {\n`;
        for (const field of message.fields) {
          const { name, from } = typeName(field.type, own);
          if (from) imports.add(from);
          const single = !field.repeated && !['string', 'boolean', 'number'].includes(name) && !/(State|Kind|Grade|Status|Stratification|Role|Standing|RecusalGround|RecusalAct|Outcome)$/.test(name);
          const absent = field.optional || single || field.type === 'google.protobuf.Timestamp';
          text += `  ${camel(field.name)}${absent ? '?' : ''}: ${name}${field.repeated ? '[]' : ''};\n`;
        }
        text += '}\n';
      }
      for (const method of part.methods) if (method.path) methods.push({ ...method, own });
    }
    const header = [...imports].sort().map((from) => `import type * as ${from} from './${from}';\n`).join('');
    files[`${own}.ts`] = `${head}${header}${text}`;
  }
  files['routes.ts'] = routes(methods);
  return files;
}

function routes(methods) {
  const used = new Set();
  const name = (type, own) => {
    const found = typeName(type, own);
    if (scalars[type]) return found.name;
    const full = found.from ? found.name : `${own}.${found.name}`;
    used.add(full.split('.')[0]);
    return full;
  };
  const types = methods.map((method) => `  '${method.name}': [${name(method.input, method.own)}, ${name(method.output, method.own)}];`);
  const rows = methods.map((method) => {
    const body = method.body ? `, body: '${method.body}'` : '';
    const roles = method.roles.length > 0 ? `, roles: [${method.roles.map((role) => `'${role}'`).join(', ')}]` : '';
    return `  '${method.name}': { verb: '${method.verb}', path: '${method.path}'${body}${roles} },`;
  });
  const imports = [...used, 'access'].sort().filter((item, i, all) => all.indexOf(item) === i).map((from) => `import type * as ${from} from './${from}';\n`).join('');
  return `${head}${imports}
/** Request and answer of each method. */
export interface Methods {
${types.join('\n')}
}

/** Where a method is served and which roles may call it (none given: anybody signed in, or everybody). */
export interface Route {
  verb: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  path: string;
  body?: string;
  roles?: access.Role[];
}

export const routes: Record<keyof Methods, Route> = {
${rows.join('\n')}
};
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(target, { recursive: true });
  for (const [file, text] of Object.entries(generate())) writeFileSync(join(target, file), text);
}
