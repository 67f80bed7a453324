/**
 * Compares the documentation with the code and says where they differ: error codes with docs/errors.md (whose tables protocol.json makes), exports, options and
 * their defaults with docs/api.md, commands and their options with docs/cli.md, and each link with what it leads to. An argument names another folder that has the
 * documentation; the code is always this package's, as built.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const root = resolve(process.argv[2] ?? home);
const dist = join(home, 'dist');
const types = join(dist, 'types');
/** @type {{errorFields: object}} */
const { errorFields } = await import(join(dist, 'modules/protocol/errors.js'));
const errorCodes = new Set(Object.keys(errorFields));

/** Options, and where their types are. @type {Record<string, string>} */
const options = {
  AcquireOptions: 'api/options.d.ts',
  SocketManagerOptions: 'api/options.d.ts',
  ConnectOptions: 'api/connect.d.ts',
  Limits: 'api/limits.d.ts',
};

const pages = markdownIn(root);
const missing = [
  ...errors(),
  ...exported(),
  ...optionsNamed(),
  ...(await commandLine()),
  ...pages.flatMap((page) => [...links(page), ...codes(page)]),
];
for (const each of missing) console.error(each);
console.log(missing.length === 0 ? `${pages.length} pages agree with the code` : `${missing.length} differences`);
process.exitCode = missing.length === 0 ? 0 : 1;

/** docs/errors.md has a section for each code, with an example; its words and fields are those of protocol.json. */
function* errors() {
  const sections = sectionsOf(read('docs/errors.md'));
  for (const code of errorCodes) {
    const section = sections.get(code);
    if (section === undefined) yield `docs/errors.md: there is no section "${code}"`;
    else if (!/^> \S/m.test(section)) yield `docs/errors.md: ${code}: has no example of its message`;
  }
  for (const title of sections.keys()) {
    if (title.startsWith('ERR_') && !errorCodes.has(title)) yield `docs/errors.md: there is no code "${title}"`;
  }
}

/** docs/api.md names each export, in a heading or as code. */
function* exported() {
  const text = read('docs/api.md');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title);
  const named = new Set([...headings.join('\n').matchAll(/\w+/g), ...text.matchAll(/(?<=`)[\w]+(?=[`(:.<])/g)].flat());
  for (const file of ['index.d.ts', 'glide.d.ts']) {
    for (const name of exportsOf(readFileSync(join(types, file), 'utf8'))) {
      if (!named.has(name)) yield `docs/api.md: does not name ${name}, an export of ${file}`;
    }
  }
}

/** docs/api.md has a row for each option, with the default that the type's comment tells. */
function* optionsNamed() {
  const sections = sectionsOf(read('docs/api.md'));
  for (const [type, file] of Object.entries(options)) {
    const section = sections.get(type);
    if (section === undefined) {
      yield `docs/api.md: there is no section "${type}"`;
      continue;
    }
    const rows = new Map([...section.matchAll(/^\| `(\w+)` \|(.*)$/gm)].map(([, name = '', row = '']) => [name, row]));
    const members = membersOf(type, readFileSync(join(types, file), 'utf8'));
    for (const [name, given] of members) {
      const row = rows.get(name);
      if (row === undefined) yield `docs/api.md: ${type} has no row for \`${name}\``;
      else if (given && !row.replaceAll('`', '').includes(given)) {
        yield `docs/api.md: ${type}: the row of \`${name}\` does not tell its default, ${given}`;
      }
    }
    for (const name of rows.keys()) if (!members.has(name)) yield `docs/api.md: ${type} has no member \`${name}\``;
  }
}

/** docs/cli.md has a section for each command, with a row for each option. */
async function commandLine() {
  const { Command } = await import('commander');
  /** @type {{commands: Record<string, {load(): Promise<{define(command: import('commander').Command, rest: string[]): void}>}>}} */
  const { commands } = await import(join(dist, 'modules/cli/commands.js'));
  const sections = sectionsOf(read('docs/cli.md'));
  const differences = [];
  for (const [name, { load }] of Object.entries(commands)) {
    const section = sections.get(name);
    if (section === undefined) {
      differences.push(`docs/cli.md: there is no section "${name}"`);
      continue;
    }
    const command = new Command(name);
    (await load()).define(command, []);
    const known = command.options.map(({ long }) => long ?? '');
    const rows = [...section.matchAll(/^\| (?:`-\w`, )?`(--[\w-]+)/gm)].map(([, option = '']) => option);
    for (const option of known) {
      if (!rows.includes(option)) differences.push(`docs/cli.md: ${name} has no row for \`${option}\``);
    }
    for (const option of rows) {
      if (!known.includes(option)) differences.push(`docs/cli.md: ${name} has no option \`${option}\``);
    }
  }
  return differences;
}

/** Each error code that a page names is in the table. @param {string} page */
function* codes(page) {
  for (const [code] of read(page).matchAll(/\bERR_SOCKREF_\w+/g)) {
    if (!errorCodes.has(code)) yield `${page}: there is no code ${code}`;
  }
}

/** Each link within the repository leads to a file, and to a heading in it. @param {string} page */
function* links(page) {
  const text = read(page)
    .replace(/^```.*?^```/gms, '')
    .replace(/`[^`\n]*`/g, '');
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [file = '', anchor] = target.split('#');
    const path = file === '' ? join(root, page) : resolve(root, dirname(page), file);
    if (!existsSync(path)) yield `${page}: ${target} leads to nothing`;
    else if (anchor !== undefined && !anchorsOf(readFileSync(path, 'utf8')).has(anchor)) {
      yield `${page}: ${target} leads to no heading`;
    }
  }
}

/** @param {string} text @returns {Map<string, string>} */
function sectionsOf(text) {
  const parts = text.split(/^## (.*)$/m).slice(1);
  /** @type {Map<string, string>} */
  const sections = new Map();
  for (let at = 0; at < parts.length; at += 2)
    sections.set(/** @type {string} */ (parts[at]).trim(), parts[at + 1] ?? '');
  return sections;
}

/** @param {string} text @returns {Set<string>} */
function exportsOf(text) {
  const names = new Set();
  for (const [, list = ''] of text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)) {
    for (const each of list.split(',')) {
      const name = each
        .trim()
        .replace(/^type /, '')
        .split(/ as /)
        .at(-1);
      if (name) names.add(name);
    }
  }
  const declared = /^export (?:declare )?(?:abstract )?(?:class|function|const|interface|type) (\w+)/gm;
  for (const [, name = ''] of text.matchAll(declared)) names.add(name);
  return names;
}

/** The members of an interface, with the default that their comment tells. @param {string} type @param {string} text */
function membersOf(type, text) {
  const body = new RegExp(`^export interface ${type} \\{\\n(.*?)^\\}`, 'ms').exec(text)?.[1] ?? '';
  /** @type {Map<string, string | undefined>} */
  const members = new Map();
  for (const [, comment = '', name = ''] of body.matchAll(/(\/\*\*(?:(?!\*\/).)*\*\/)?\s*readonly (\w+)\??:/gs)) {
    members.set(name, /Default `?([\d][\dxo_,]*\d|\d|true|false)/.exec(comment)?.[1]);
  }
  return members;
}

/** The anchors of a page's headings, as GitHub makes them. @param {string} text @returns {Set<string>} */
function anchorsOf(text) {
  const anchors = new Set();
  for (const [, title = ''] of text.matchAll(/^#+ (.*)$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = plain
      .replace(/[^\p{L}\p{N}\p{M}_ -]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count++) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

/** @param {string} folder @returns {string[]} */
function markdownIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return /^(\.|node_modules$|coverage$|dist$)/.test(entry.name) ? [] : markdownIn(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

/** @param {string} page */
function read(page) {
  const path = join(root, page);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
