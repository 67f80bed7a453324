import { constantsOf, digits, typeOf, typesUsed } from './protocol.mjs';

/** @typedef {import('./protocol.mjs').Protocol} Protocol */

const origin = '// Made from protocol.json by scripts/protocol.mjs; change that, and run `npm run protocol`.\n\n';

/** Types of messages that the code names. */
const exported = new Set(['Hello', 'Holders', 'ServerState', 'Holder', 'Failure']);

/** The modules of src/protocol, not formatted yet. @param {Protocol} protocol @returns {Record<string, string>} */
export function typescript(protocol) {
  return {
    constants: origin + constants(protocol),
    errors: origin + errors(protocol),
    messages: origin + messages(protocol),
    record: origin + record(protocol),
  };
}

/** @param {Protocol} protocol */
function constants(protocol) {
  const { version, modes, managerLimits } = protocol;
  const lines = [`/** Version of the files and messages. */\nexport const protocolVersion = ${version};`];
  for (const [name, { value, means }] of Object.entries(constantsOf(protocol))) {
    const shown = name in modes ? `0o${Number(value)}` : literal(value);
    lines.push(`${comment(means)}\nexport const ${name} = ${shown};`);
  }
  const limits = Object.entries(managerLimits).map(([name, { value }]) => `${name}: ${literal(value)},`);
  lines.push(
    `/** What limits of a manager are if they are not given. */\nexport const defaultLimits = { ${limits.join('\n')} };`,
  );
  return lines.join('\n\n');
}

/** @param {Protocol} protocol */
function errors({ errors, errorFields }) {
  const details = Object.entries(errorFields).map(
    ([name, { type, means }]) => `${comment(means)}\nreadonly ${name}?: ${type};`,
  );
  const codes = Object.entries(errors).map(
    ([code, { when, fields }]) => `${comment(when)}\n${code}: ${JSON.stringify(Object.keys(fields))},`,
  );
  return [
    `/** What an error carries; which code has which field is listed in docs/errors.md. */\nexport interface ErrorFields {\n${details.join('\n')}\n}`,
    `/** Every error code, with the fields that it can carry. */\nexport const errorFields = {\n${codes.join('\n')}\n} as const;`,
    '/** One of the codes of {@link SocketReferenceError}. */\nexport type SocketReferenceErrorCode = keyof typeof errorFields;',
  ].join('\n\n');
}

/** @param {Protocol} protocol */
function messages(protocol) {
  const { toOwner, toMember } = protocol.messages;
  const all = [...Object.entries(toOwner), ...Object.entries(toMember)];
  const parts = schemas(
    protocol,
    all.map(([, { fields }]) => fields),
  );
  for (const [type, { name, means, fields }] of all) {
    const members = Object.entries(fields).map(([field, spec]) => `${field}: ${fieldSchema(spec)},`);
    parts.push(
      `${comment(means)}\nconst ${schemaOf(name)} = v.object({ type: v.literal('${type}'), ${members.join('\n')} });`,
    );
    if (exported.has(name)) parts.push(inferred(name, schemaOf(name)));
  }
  for (const [direction, group, means] of /** @type {const} */ ([
    ['ToOwner', toOwner, 'what a member, or a process that only asks, sends to the owner'],
    ['ToMember', toMember, 'what the owner sends'],
  ])) {
    const list = Object.values(group).map(({ name }) => schemaOf(name));
    const schema = `${lower(direction)}Schema`;
    parts.push(
      `${comment(means)}\nexport const ${schema} = v.variant('type', [${list.join(', ')}]);`,
      inferred(direction, schema),
    );
  }
  return `${imports(protocol, parts)}${parts.join('\n')}`;
}

/** @param {Protocol} protocol */
function record(protocol) {
  const parts = schemas(
    protocol,
    Object.values(protocol.record).map(({ fields }) => fields),
  );
  for (const [line, { means, fields }] of Object.entries(protocol.record)) {
    parts.push(`${comment(`a line of the record: ${means}`)}\nexport const ${line}Line = ${objectSchema(fields)};`);
  }
  return `${imports(protocol, parts)}${parts.join('\n')}`;
}

/** The schemas of the types that fields need. @param {Protocol} protocol @param {Iterable<import('./protocol.mjs').Fields>} fields */
function schemas(protocol, fields) {
  return [...typesUsed(protocol, fields)].flatMap((name) => {
    const type = typeOf(protocol, name);
    const declared = `${comment(type.means)}\nconst ${name} = ${schema(type)};`;
    return type.name && exported.has(type.name) ? [declared, inferred(type.name, name)] : [declared];
  });
}

/** @param {import('./protocol.mjs').Type} type @returns {string} */
function schema({ kind, equals, min, max, maxLength, pattern, otherwise, of = [], fields = {} }) {
  if (equals !== undefined) return `v.literal(${equals === 'version' ? 'protocolVersion' : equals})`;
  if (kind === 'object') return objectSchema(fields);
  if (kind === 'choice') return `v.picklist(${JSON.stringify(of)})`;
  if (kind === 'map') return mapSchema(of);
  if (kind === 'signal') return `v.fallback(v.picklist(Object.keys(signals) as NodeJS.Signals[]), '${otherwise}')`;
  const steps = kind === 'integer' ? ['v.number()', 'v.safeInteger()'] : [`v.${kind}()`];
  if (min !== undefined) steps.push(`v.minValue(${min})`);
  if (max !== undefined) steps.push(`v.maxValue(${max})`);
  if (maxLength !== undefined) steps.push(`v.maxLength(${maxLength})`);
  if (pattern !== undefined) steps.push(`v.regex(/${pattern}/u)`);
  return steps.length === 1 ? `${steps[0]}` : `v.pipe(${steps.join(', ')})`;
}

/** A list is no map, although the library takes it for one. @param {readonly string[]} of */
function mapSchema(of) {
  const record = `v.record(v.string(), v.union([${of.map((each) => `v.${each}()`).join(', ')}]))`;
  return `v.pipe(v.custom<object>((value) => !Array.isArray(value)), ${record})`;
}

/** @param {import('./protocol.mjs').Fields} fields */
function objectSchema(fields) {
  return `v.object({ ${Object.entries(fields)
    .map(([name, field]) => `${name}: ${fieldSchema(field)},`)
    .join('\n')} })`;
}

/** @param {import('./protocol.mjs').Field} field */
function fieldSchema({ type, list, optional }) {
  const all = list ? `v.array(${type})` : type;
  return optional ? `v.optional(${all})` : all;
}

/** Imports of what the parts of a module name. @param {Protocol} protocol @param {readonly string[]} parts */
function imports(protocol, parts) {
  const text = parts.join('\n').replace(/\/\*\*.*?\*\//g, '');
  const used = ['protocolVersion', ...Object.keys(constantsOf(protocol))].filter((name) =>
    new RegExp(`\\b${name}\\b`).test(text),
  );
  const lines = [];
  if (text.includes('signals')) lines.push("import { constants } from 'node:os';");
  lines.push("import * as v from 'valibot';", `import { ${used.sort().join(', ')} } from './constants.js';`, '');
  if (text.includes('signals')) lines.push('const { signals } = constants;');
  return `${lines.join('\n')}\n`;
}

/** @param {string} name @param {string} schema */
function inferred(name, schema) {
  return `export type ${name} = v.InferOutput<typeof ${schema}>;\n`;
}

/** @param {string} name */
function schemaOf(name) {
  return `${lower(name)}Message`;
}

/** @param {string} name */
function lower(name) {
  return name.charAt(0).toLowerCase() + name.slice(1);
}

/** @param {string | number} value */
function literal(value) {
  return typeof value === 'number' ? digits(value) : `'${value}'`;
}

/** A sentence of what something means. @param {string} means */
function comment(means) {
  const lines = [''];
  for (const word of `${means.charAt(0).toUpperCase()}${means.slice(1)}.`.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > 115) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.length === 1 ? `/** ${lines[0]} */` : `/**\n${lines.map((line) => ` * ${line}\n`).join('')} */`;
}
