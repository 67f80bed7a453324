import { expect, it } from 'vitest';
import { withExample } from '../helpers/example.js';

it.each([
  ['node', /^hello from Node, process \d+\n$/],
  ['python', /^hello from Python, process \d+\n$/],
  ['nginx', /^hello from nginx, process \d+\n$/],
])('http: curl asks a server that is there for it, %s', (script, answer) =>
  withExample('http', async (example) => {
    const { code, stdout, stderr } = await example.script(script);
    expect(stderr).toBe('');
    expect(stdout).toMatch(answer);
    expect(code).toBe(0);
  }),
);

it('http: a request waits for the next server', () =>
  withExample('http', async (example) => {
    const { code, stdout, stderr } = await example.script('activated');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^hello from Node, process (\d+)\nhello from Node, process (?!\1\n)\d+\n$/);
    expect(code).toBe(0);
  }));
