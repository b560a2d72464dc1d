// What interactive elements talk to: one surface per message, modal or home view. It knows the values of its inputs
// and sends actions to the app.

/** The key of one input: block ids and action ids are unique only together. */
const keyOf = (blockId, actionId) => JSON.stringify([blockId, actionId]);

export class Surface {
  #fields = new Map();
  #send;

  /** `send({block_id, action_id, action, state})` returns a promise that is fulfilled once the server has it. */
  constructor(world, send) {
    this.world = world;
    this.#send = send;
  }

  /** Registers an input; `field` is {read(), write(value)}, both in the shape of Slack's view.state.values. */
  add(blockId, actionId, field) {
    this.#fields.set(keyOf(blockId, actionId), { blockId, actionId, field });
  }

  /** {block_id: {action_id: value}} of all inputs. */
  values() {
    const values = {};
    for (const { blockId, actionId, field } of this.#fields.values()) {
      values[blockId] ??= {};
      values[blockId][actionId] = field.read();
    }
    return values;
  }

  /** Takes over what was entered in an earlier version: same ids and same type keep their value, as in Slack. */
  restore(values) {
    for (const { blockId, actionId, field } of this.#fields.values()) {
      const value = values[blockId]?.[actionId];
      if (value && value.type === field.read().type) field.write(value);
    }
  }

  /** Sends one action; `control` shows that it is on its way. A second press meanwhile is not a second action. */
  async act(control, blockId, actionId, action) {
    if (control.getAttribute("aria-busy") === "true") return;
    control.setAttribute("aria-busy", "true");
    try {
      await this.#send({ block_id: blockId, action_id: actionId, action, state: { values: this.values() } });
    } finally {
      control.removeAttribute("aria-busy");
    }
  }
}
