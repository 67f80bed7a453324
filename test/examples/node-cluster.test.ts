import { expect, it } from 'vitest';
import { withExample } from '../helpers/example.js';

const counted = /^20 requests, answered by 4 workers; 5 look-ups, all in process (\d+)$/gm;

it('node-cluster: the workers share one core, which moves when its worker is killed', () =>
  withExample('node-cluster', async (example) => {
    const { code, stdout, stderr } = await example.script('start');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const [first, second, ...more] = [...stdout.matchAll(counted)].map(([, pid]) => pid);
    expect(more).toEqual([]);
    expect(stdout).toContain(`kill -9 ${first}, the worker with the core`);
    expect(second).toMatch(/\d/);
    expect(second).not.toBe(first);
    expect(stdout).toContain('left in the directory: (nothing)');
  }));
