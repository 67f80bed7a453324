/**
 * The side of a child process: answers commands that {@link file://./process.mjs} sends.
 *
 * @typedef {object} Request
 * @property {number} id
 * @property {string} command
 * @property {unknown} argument
 */

/**
 * Answers commands by their names, each with what its function returns or throws, until the parent ends.
 *
 * @param {Record<string, (argument: any) => unknown>} commands
 */
export function answer(commands) {
  process.on('message', (message) => {
    const { id, command, argument } = /** @type {Request} */ (message);
    void run(commands, command, argument).then((outcome) => process.send?.({ id, ...outcome }, () => {}));
  });
  // The parent is gone: there are no more commands, and no reader of the answers.
  process.on('disconnect', () => process.exit());
  process.send?.({ ready: process.pid });
}

/**
 * @param {Record<string, (argument: any) => unknown>} commands
 * @param {string} command
 * @param {unknown} argument
 */
async function run(commands, command, argument) {
  try {
    const todo = commands[command];
    if (!todo) throw new Error(`There is no command ${command}`);
    return { value: await todo(argument) };
  } catch (error) {
    const { message, code, stack } = /** @type {NodeJS.ErrnoException} */ (error);
    return { error: { message, code, stack } };
  }
}
