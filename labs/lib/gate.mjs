/** Pauses activities, so that for a while only the observed operation runs. */
export class Gate {
  #open = Promise.resolve();
  /** @type {Set<Promise<unknown>>} */
  #underWay = new Set();

  /**
   * Runs an activity when activities are not paused.
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
   * Runs a function while no activity runs.
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
