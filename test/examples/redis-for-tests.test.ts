import { expect, it } from 'vitest';
import { withExample } from '../helpers/example.js';

it('redis-for-tests: five vitest processes share one redis-server', () =>
  withExample('redis-for-tests', async (example) => {
    const { code, stdout, stderr } = await example.script('test:parallel');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^5 vitest processes used one redis-server, process \d+; they exited with 0, 0, 0, 0, 0$/m);
    expect(code).toBe(0);
  }));
