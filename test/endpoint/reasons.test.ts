import { describe, expect, it } from 'vitest';
import { cleanedUpByForce, closedByUser, ownerLost, tooManyReferences } from '#src/endpoint/reasons.js';

const path = '/run/app.sock';

describe('the reason why a reference is inactive', () => {
  it.each([
    ['closed', closedByUser(path), 'acquire a new one'],
    ['cleaned-up', cleanedUpByForce(path), 'were cleaned up'],
  ])('is told apart by a word: %s', (reason, error, says) => {
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', path, reason, message: expect.stringContaining(says) });
    expect(error.message).toContain(path);
  });

  it('names the limit that is reached', () => {
    const error = tooManyReferences(path, 3);
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_LIMIT_EXCEEDED', path, limit: 'maxReferencesPerSocket', max: 3 });
    expect(error.message).toContain('3 references');
  });

  it.each([
    ['owner-died', 'its owner died'],
    ['deposed', 'this process was deposed'],
  ] as const)('says how the owner was lost, and what was waited for: %s', (cause, says) => {
    const error = ownerLost(path, cause, 250, 'a new owner');
    expect(error).toMatchObject({ code: 'ERR_SOCKREF_OWNER_LOST', path, timeoutMs: 250 });
    expect(error.message).toContain(says);
    expect(error.message).toContain('after 250 ms (failoverTimeoutMs) it was still waiting for a new owner');
    expect(error.message).toContain('pass `serve`');
  });
});
