import { constantsOf, digits, numberOf, snake, typeOf, typesUsed } from './protocol.mjs';

/** @typedef {import('./protocol.mjs').Protocol} Protocol */
/** @typedef {import('./protocol.mjs').Fields} Fields */

/** Words that no field of a class may be called by. */
const keywords = new Set(['as', 'class', 'def', 'from', 'import', 'in', 'is', 'pass']);

/** The modules of python/src/sockref/_protocol. @param {Protocol} protocol @returns {Record<string, string>} */
export function python(protocol) {
  return {
    constants: module('Numbers and names that every implementation shares.', 'Final', [constants(protocol)]),
    errors: module('Every error code, with the fields that it carries.', 'Final, Literal', errors(protocol)),
    messages: module(
      'Control messages: their types, and how they are checked.',
      'Any, Final, Literal, NotRequired, TypedDict',
      messages(protocol),
    ),
    record: module('Lines of a record: how they are checked.', 'Final', record(protocol)),
  };
}

/** @param {string} about @param {string} typing @param {readonly string[]} parts */
function module(about, typing, parts) {
  const body = parts.join('\n\n');
  const shapes = [...new Set([...body.matchAll(/(?<!\.)\bshapes\.(\w+)/g)].map(([, name = '']) => name))].sort();
  const names = [...new Set([...body.matchAll(/\bconstants\.(\w+)/g)].map(([, name = '']) => name))].sort();
  return [
    `"""${about}\n\nMade from protocol.json by scripts/protocol.mjs; change that, and run \`npm run protocol\`.\n"""`,
    '',
    'from __future__ import annotations',
    '',
    `from typing import ${typing}`,
    '',
    ...(names.length > 0 ? [`from .constants import ${names.join(', ')}`] : []),
    ...(shapes.length > 0 ? [`from .shapes import ${shapes.join(', ')}`, ''] : []),
    body.replace(/\b(?:shapes|constants)\.(?=\w)/g, ''),
    '',
  ].join('\n');
}

/** @param {Protocol} protocol */
function constants(protocol) {
  const { version, modes, managerLimits } = protocol;
  const lines = [`PROTOCOL_VERSION: Final = ${version}`, '"""Version of the files and messages."""', ''];
  for (const [name, { value, means }] of Object.entries(constantsOf(protocol))) {
    const shown = name in modes ? `0o${Number(value)}` : literal(name, value);
    lines.push(`${constantName(name)}: Final = ${shown}`, ...docstring(means), '');
  }
  for (const [name, { value, means }] of Object.entries(managerLimits)) {
    lines.push(`DEFAULT_${constantName(name)}: Final = ${literal(name, value)}`, ...docstring(means), '');
  }
  return lines.join('\n').trimEnd();
}

/** @param {Protocol} protocol */
function errors({ errors }) {
  const own = Object.entries(errors).map(([code, { fields }]) => /** @type {const} */ ([code, Object.keys(fields)]));
  const renamed = [...new Set(own.flatMap(([, fields]) => fields))].filter((name) => fieldName(name) !== name);
  return [
    `ErrorCode = Literal[\n${own.map(([code]) => `    "${code}",\n`).join('')}]\n`,
    `ERROR_FIELDS: Final[dict[ErrorCode, tuple[str, ...]]] = {\n${own
      .map(([code, fields]) => `    "${code}": (${fields.map((name) => `"${fieldName(name)}",`).join(' ')}),\n`)
      .join('')}}\n"""The fields that an error of each code can carry, in the names of this package."""\n`,
    `WIRE_FIELDS: Final[dict[str, str]] = {\n${renamed
      .map((name) => `    "${name}": "${fieldName(name)}",\n`)
      .join(
        '',
      )}}\n"""Fields that are called otherwise in messages; those that end in \`Ms\` are in milliseconds there."""`,
  ].map((part) => part.replaceAll(/\(([^()]*, [^()]*),\)/g, '($1)').trimEnd());
}

/** @param {Protocol} protocol */
function messages(protocol) {
  const { toOwner, toMember } = protocol.messages;
  const all = [...Object.entries(toOwner), ...Object.entries(toMember)];
  const used = [
    ...typesUsed(
      protocol,
      all.map(([, { fields }]) => fields),
    ),
  ].map((name) => typeOf(protocol, name));
  const objects = used.filter(({ kind }) => kind === 'object');
  const choices = used.filter(({ kind }) => kind === 'choice');
  const aliases = choices.map(({ name, of = [], means }) =>
    [`${name} = Literal[${quoted(of)}]`, ...docstring(means)].join('\n'),
  );
  const typed = [
    ...objects.map(({ name, means, fields }) => typedDict(protocol, String(name), means, fields ?? {})),
    ...all.map(([type, { name, means, fields }]) => typedDict(protocol, name, means, fields, type)),
  ];
  const tables = /** @type {const} */ ([
    ['ToOwner', toOwner, 'What a member, or a process that only asks, sends to the owner.'],
    ['ToMember', toMember, 'What the owner sends.'],
  ]).map(([name, group, means]) => {
    const union = Object.values(group).map((each) => each.name);
    const rows = Object.entries(group).map(([type, { fields }]) => `    "${type}": ${shape(protocol, fields, 1)},\n`);
    return [
      `${name} = ${union.join(' | ')}\n"""${means}"""`,
      `${snake(name).slice(1).toUpperCase()}_SHAPES: Final[dict[str, shapes.Shape]] = {\n${rows.join('')}}`,
    ].join('\n\n');
  });
  return [
    ...aliases,
    `\n${typed.join('\n\n\n')}\n`,
    ...declared(
      protocol,
      all.map(([, { fields }]) => fields),
    ),
    ...tables,
  ];
}

/** @param {Protocol} protocol */
function record(protocol) {
  const lines = Object.entries(protocol.record);
  return [
    ...declared(
      protocol,
      lines.map(([, { fields }]) => fields),
    ),
    ...lines.map(([name, { means, fields }]) =>
      [`${name.toUpperCase()}_LINE: Final[shapes.Shape] = ${shape(protocol, fields)}`, ...docstring(means)].join('\n'),
    ),
  ];
}

/** The shapes of the objects that fields need. @param {Protocol} protocol @param {Iterable<Fields>} fields */
function declared(protocol, fields) {
  return [...typesUsed(protocol, fields)].flatMap((name) => {
    const type = typeOf(protocol, name);
    if (type.kind !== 'object') return [];
    return [`${snake(name).toUpperCase()}: Final[shapes.Shape] = ${shape(protocol, type.fields ?? {})}`];
  });
}

/** @param {Protocol} protocol @param {string} name @param {string} means @param {Fields} fields @param {string} [type] */
function typedDict(protocol, name, means, fields, type) {
  const lines = [`class ${name}(TypedDict):`, ...docstring(means).map((line) => `    ${line}`), ''];
  if (type !== undefined) lines.push(`    type: Literal["${type}"]`);
  const hints = Object.entries(fields).map(([field, { type: of, list, optional }]) => {
    const all = list ? `list[${hint(protocol, of)}]` : hint(protocol, of);
    return /** @type {const} */ ([field, optional ? `NotRequired[${all}]` : all]);
  });
  // The words of the language can be no names in a class.
  if (hints.some(([field]) => keywords.has(field))) {
    const pairs = hints.map(([field, of]) => `"${field}": ${of}`).join(', ');
    return [`${name} = TypedDict("${name}", {${pairs}})`, ...docstring(means)].join('\n');
  }
  return [...lines, ...hints.map(([field, of]) => `    ${field}: ${of}`)].join('\n');
}

/** @param {Protocol} protocol @param {string} type */
function hint(protocol, type) {
  const { kind, name } = typeOf(protocol, type);
  const hints = {
    integer: 'int',
    number: 'int | float',
    string: 'str',
    signal: 'str',
    boolean: 'bool',
    map: 'dict[str, Any]',
  };
  return kind === 'object' || kind === 'choice' ? String(name) : hints[kind];
}

/** @param {Protocol} protocol @param {Fields} fields @param {number} [depth] */
function shape(protocol, fields, depth = 0) {
  const indent = '    '.repeat(depth + 1);
  const rows = Object.entries(fields).map(([name, { type, list, optional }]) => {
    const one = checker(protocol, type);
    const all = list ? `shapes.list_of(${one})` : one;
    return `${indent}"${name}": ${optional ? `shapes.Optional(${all})` : all},\n`;
  });
  return rows.length === 0 ? '{}' : `{\n${rows.join('')}${'    '.repeat(depth)}}`;
}

/** What checks a value of a type. @param {Protocol} protocol @param {string} name */
function checker(protocol, name) {
  const { kind, equals, min, max, maxLength, pattern, otherwise, of = [] } = typeOf(protocol, name);
  if (kind === 'object') return `shapes.object_of(${snake(name).toUpperCase()})`;
  if (kind === 'choice') return `shapes.one_of(${quoted(of)})`;
  if (kind === 'map') return 'shapes.scalars';
  if (kind === 'signal') return `shapes.signal_or("${otherwise}")`;
  if (equals === 'version') return 'shapes.equal_to(constants.PROTOCOL_VERSION)';
  if (kind === 'boolean') return equals === undefined ? 'shapes.flag' : 'shapes.true';
  if (kind === 'integer') return min === undefined ? 'shapes.whole' : `shapes.at_least(${min})`;
  if (kind === 'number')
    return max === undefined ? 'shapes.number' : `shapes.between(${min}, ${digits(numberOf(protocol, max))})`;
  if (maxLength !== undefined) return `shapes.at_most(constants.${constantName(maxLength)})`;
  // The end of the text: `$` also matches before a last newline.
  return pattern === undefined ? 'shapes.text' : `shapes.matching(r"${pattern.replaceAll('$', '\\Z')}")`;
}

/** @param {readonly string[]} words */
function quoted(words) {
  return words.map((each) => `"${each}"`).join(', ');
}

/** `maxTimerMs`: `MAX_TIMER_SECONDS`, since times are in seconds here. @param {string} name */
function constantName(name) {
  return snake(name.replace(/Ms$/, 'Seconds')).toUpperCase();
}

/** @param {string} name */
function fieldName(name) {
  return snake(name.replace(/Ms$/, ''));
}

/** @param {string} name @param {string | number} value */
function literal(name, value) {
  if (typeof value === 'string') return `'${value}'`.replace(/^'([^"]*)'$/, '"$1"');
  if (!name.endsWith('Ms')) return digits(value);
  const seconds = digits(value / 1000);
  return seconds.includes('.') ? seconds : `${seconds}.0`;
}

/** @param {string} means @returns {string[]} */
function docstring(means) {
  const lines = [''];
  for (const word of `${means.charAt(0).toUpperCase()}${means.slice(1)}.`.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last.length + word.length > 105) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return `"""${lines.join('\n')}"""`.split('\n');
}
