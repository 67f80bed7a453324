// @ts-check

/**
 * What the parts of the benchmark hand to each other, and what is in results.json.
 *
 * @typedef {'ours' | 'peer' | 'floor' | 'beside'} Role `beside`: shown for comparison, judged by nothing
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {Role} role
 * @property {number} [x] where it stands on the axis of a plot
 * @property {string} [series] the curve that it belongs to
 * @property {(round: number) => readonly number[] | Promise<readonly number[]>} sample measures it once more, in the unit of its group
 * @property {() => Record<string, string>} [extra] further columns, asked for at the end
 *
 * @typedef {object} Figure one line of a table
 * @property {string} name
 * @property {Role} role
 * @property {number} [x]
 * @property {string} [series]
 * @property {number} median of all samples, in the unit of the group
 * @property {number} p99
 * @property {number} samples how many there were
 * @property {number} best the median of the best round, which other work on the machine has disturbed least
 * @property {number} [ofFloor] median over the rounds of: this by the floor in the same round
 * @property {number} [ofPeer] the same by the first peer
 * @property {{ low: number, high: number }} [peerEnds] that ratio in a good round and in a bad one
 * @property {Record<string, string>} [extra]
 *
 * @typedef {object} Target
 * @property {string} id of all targets of a row, its own name
 * @property {string} says what is to be reached, in words
 * @property {number} value what was
 * @property {number} [best] the same, of the best rounds
 * @property {number} limit
 * @property {'at most' | 'at least' | 'below'} must how the value has to stand to the limit
 * @property {boolean} met
 * @property {'floor' | 'peer'} [of] what a ratio is to
 * @property {boolean} [remark] it is no target, but a change of it by a factor is a defect
 * @property {'ratio' | 'time' | 'count'} kind ratios are compared on any machine, times only on the one at hand; a count must be exact
 *
 * @typedef {object} Plot
 * @property {string} file its name in docs/plots
 * @property {string} title
 * @property {string} x what the axis counts
 *
 * @typedef {object} Bar
 * @property {string} name
 * @property {number} value
 * @property {boolean} ours
 *
 * @typedef {object} Bars a picture that compares a few values
 * @property {string} file its name in docs/plots
 * @property {string} title
 * @property {string} unit
 * @property {readonly Bar[]} bars
 *
 * @typedef {object} Group one table
 * @property {string} name empty if the row has but one
 * @property {string} unit
 * @property {readonly Figure[]} figures
 * @property {readonly Target[]} targets
 * @property {Plot} [plot]
 *
 * @typedef {object} RowResult
 * @property {string} id
 * @property {string} title
 * @property {string} words
 * @property {readonly Group[]} groups
 *
 * @typedef {object} Machine
 * @property {string} processor
 * @property {number} cores
 * @property {string} memory
 * @property {string} system
 * @property {string} node
 * @property {string} directories the file systems of the two directories
 *
 * @typedef {object} Results
 * @property {2} schema
 * @property {string} date
 * @property {Machine} machine
 * @property {number} seconds that the run took
 * @property {readonly RowResult[]} rows
 *
 * @typedef {object} Context what a row is given
 * @property {boolean} quick
 * @property {string} memory a directory in memory, as the default directory is where there is a user session
 * @property {string} disk a directory on a disk
 * @property {(full: number, quick: number) => number} choose the one of two numbers that this run is for
 * @property {(text: string) => void} progress
 *
 * @typedef {object} Row
 * @property {string} id
 * @property {string} title
 * @property {string} words
 * @property {(context: Context) => Promise<Group[]>} run
 */

export {};
