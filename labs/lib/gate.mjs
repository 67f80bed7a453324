/** Lets activities be held up, so that for a while nothing but what is looked at goes on. */
export class Gate {
  #open = Promise.resolve();
  /** @type {Set<Promise<unknown>>} */
  #underWay = new Set();

  /**
   * Runs an activity when none is to be held up.
   *
   * @template Value
   * @param {() => Promise<Value>} activity
   * @returns {Promise<Value>}
   */
  async pass(activity) {
    await this.#open;
    const done = activity();
    const over = done.then(
      () => {},
      () => {},
    );
    this.#underWay.add(over);
    void over.then(() => this.#underWay.delete(over));
    return done;
  }

  /**
   * Runs something while none of the activities goes on.
   *
   * @template Value
   * @param {() => Promise<Value>} quietly
   * @returns {Promise<Value>}
   */
  async hold(quietly) {
    /** @type {() => void} */
    let release = () => {};
    this.#open = new Promise((resolve) => {
      release = () => resolve(undefined);
    });
    await Promise.all(this.#underWay);
    try {
      return await quietly();
    } finally {
      release();
    }
  }
}
