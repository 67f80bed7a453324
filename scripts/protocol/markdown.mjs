import { constantsOf, digits, numberOf, typeOf, typesUsed } from './protocol.mjs';

/** @typedef {import('./protocol.mjs').Protocol} Protocol */
/** @typedef {import('./protocol.mjs').Fields} Fields */

/** The tables that each page must have. @param {Protocol} protocol @returns {Record<string, readonly string[]>} */
export function tablesOf({ errors }) {
  return {
    'docs/protocol.md': ['record', 'messages.toOwner', 'messages.toMember', 'objects', 'limits', 'times', 'defaults'],
    'docs/api.md': ['managerLimits'],
    'docs/errors.md': Object.keys(errors).map((code) => `errors.${code}`),
  };
}

/**
 * A page with its tables, and its numbers, as protocol.json has them. A table stands between `<!-- protocol: what -->` and
 * `<!-- end -->`; a number behind `<!--name-->`, in seconds behind `<!--name s-->`.
 *
 * @param {string} page
 * @param {string} text
 * @param {Protocol} protocol
 */
export function withTables(page, text, protocol) {
  for (const each of tablesOf(protocol)[page] ?? []) {
    if (!text.includes(`<!-- protocol: ${each} -->\n`)) throw new Error(`${page} has no place for the table ${each}`);
  }
  return text
    .replace(
      /(<!-- protocol: (\S+) -->\n).*?(?=<!-- end -->)/gs,
      (_, start, what) => `${start}${table(page, what, protocol)}\n`,
    )
    .replace(
      /(<!--(\w+)( s)?-->)\d(?:[\d,.]*\d)?/g,
      (_, mark, name, inSeconds) => `${mark}${shown(protocol, name, inSeconds ? 1000 : 1)}`,
    );
}

/** @param {string} page @param {string} what @param {Protocol} protocol @returns {string} */
function table(page, what, protocol) {
  const [group = '', name = ''] = what.split('.');
  if (group === 'errors') return error(protocol, name);
  if (group === 'messages' && (name === 'toOwner' || name === 'toMember')) return messages(protocol, name);
  if (group === 'objects') return objects(protocol);
  if (group === 'record') return record(protocol);
  if (group === 'managerLimits') return rows(['limit', 'default', 'bounds'], constants(protocol.managerLimits));
  if (group === 'limits' || group === 'defaults')
    return rows(['name', 'value', 'what it is'], constants(protocol[group]));
  if (group === 'times') return rows(['name', 'ms', 'what it is'], constants(protocol.times));
  throw new Error(`${page}: protocol.json has no table ${what}`);
}

/** @param {import('./protocol.mjs').Constants} group */
function constants(group) {
  return Object.entries(group).map(([name, { value, means }]) => [`\`${name}\``, digits(Number(value), ','), means]);
}

/** @param {Protocol} protocol @param {string} code */
function error({ errors }, code) {
  const found = errors[code];
  if (!found) throw new Error(`protocol.json has no code ${code}`);
  const fields = Object.entries(found.fields).map(([name, means]) => [`\`${name}\``, means]);
  return `**When:** ${found.when}.\n**To do:** ${found.remedy}.\n\n${rows(['field', ''], fields)}`;
}

/** @param {Protocol} protocol @param {'toOwner' | 'toMember'} direction */
function messages(protocol, direction) {
  const all = Object.entries(protocol.messages[direction]);
  return rows(
    ['message', 'fields', 'meaning'],
    all.map(([type, { means, fields }]) => [`\`${type}\``, listed(protocol, fields), means]),
  );
}

/** The objects in messages. @param {Protocol} protocol */
function objects(protocol) {
  const { toOwner, toMember } = protocol.messages;
  const used = typesUsed(
    protocol,
    [...Object.values(toOwner), ...Object.values(toMember)].map(({ fields }) => fields),
  );
  const all = [...used].flatMap((name) => {
    const { kind, means, fields = {} } = typeOf(protocol, name);
    return kind === 'object' ? [[`\`${name}\``, listed(protocol, fields), means]] : [];
  });
  return rows(['object', 'fields', 'meaning'], all);
}

/** @param {Protocol} protocol */
function record(protocol) {
  const all = Object.values(protocol.record).flatMap(({ means, fields }) => leaves(protocol, fields, '', means));
  return rows(['field', 'is', 'meaning'], all);
}

/** @param {Protocol} protocol @param {Fields} fields @param {string} before @param {string} line @returns {string[][]} */
function leaves(protocol, fields, before, line) {
  return Object.entries(fields).flatMap(([name, { type, optional, means }]) => {
    const of = typeOf(protocol, type);
    if (of.fields) return leaves(protocol, of.fields, `${before}${name}.`, means ?? of.means);
    return [[`\`${before}${name}\`${optional ? '?' : ''}`, of.means, means ?? line]];
  });
}

/** @param {Protocol} protocol @param {Fields} fields */
function listed(protocol, fields) {
  return Object.entries(fields)
    .map(
      ([name, field]) =>
        `\`${name}\`${field.optional ? '?' : ''}${kind(protocol, field)}${field.means ? ` (${field.means})` : ''}`,
    )
    .join(' · ');
}

/** What a field of a message is, behind its name. @param {Protocol} protocol @param {import('./protocol.mjs').Field} field */
function kind(protocol, { type, list }) {
  const { kind, min, equals, maxLength, of = [] } = typeOf(protocol, type);
  const quoted = of.map((each) => `\`${each}\``);
  if (kind === 'choice') return `: ${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
  if (list) return kind === 'object' ? `: a list of \`${type}\`` : ': a list of strings';
  if (kind === 'object') return `: a \`${type}\``;
  if (equals === 'version') return `: ${protocol.version}`;
  if (kind === 'integer') return ` ≥ ${min}`;
  if (kind === 'boolean') return ': boolean';
  if (maxLength) return `: a string of up to ${digits(numberOf(protocol, maxLength), ',')} UTF-16 code units`;
  return `: ${typeOf(protocol, type).means}`;
}

/** @param {Protocol} protocol @param {string} name @param {number} by */
function shown(protocol, name, by) {
  const constant = constantsOf(protocol)[name];
  if (!constant) throw new Error(`protocol.json has no constant ${name}`);
  return typeof constant.value === 'string' ? constant.value : digits(constant.value / by, ',');
}

/** @param {readonly string[]} head @param {readonly (readonly string[])[]} body */
function rows(head, body) {
  return [head, head.map(() => '---'), ...body]
    .map((cells) => `| ${cells.join(' | ')} |`.replaceAll('  ', ' '))
    .join('\n');
}
