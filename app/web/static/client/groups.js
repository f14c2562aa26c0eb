// Groups over HTTP. Their changes come back as events; the list and the timeline follow those.

export class Groups {
  constructor({ api, users, conversations }) {
    Object.assign(this, { api, users, conversations });
  }

  get(id) {
    return this.api.get(`/v2/groups/${id}`);
  }

  create(fields) {
    return this.#entered(this.api.post("/v2/groups", fields));
  }

  patch(id, fields) {
    return this.api.patch(`/v2/groups/${id}`, fields);
  }

  /** A page of members: {members: [{user, role, muted_until}], next}. */
  async members(id, after, limit = 100) {
    const found = await this.api.get(`/v2/groups/${id}/members`, { after, limit });
    this.users.know(...found.members.map(({ user }) => user));
    return found;
  }

  /** Bring users in; the ids of those who were not in. */
  async add(id, users) {
    return (await this.api.post(`/v2/groups/${id}/members`, { users })).joined;
  }

  kick(id, user) {
    return this.api.delete(`/v2/groups/${id}/members/${user}`);
  }

  role(id, user, role) {
    return this.api.patch(`/v2/groups/${id}/members/${user}`, { role });
  }

  /** Until when (ms since 1970) a member may not write; 0: they may. */
  mute(id, user, until) {
    return this.api.patch(`/v2/groups/${id}/members/${user}`, { muted_until: until });
  }

  leave(id) {
    return this.api.post(`/v2/groups/${id}/leave`);
  }

  transfer(id, user) {
    return this.api.post(`/v2/groups/${id}/transfer`, { user });
  }

  disband(id) {
    return this.api.delete(`/v2/groups/${id}`);
  }

  /** Ask to come in: the group, or {requested: true} where admins must agree. */
  join(id, note) {
    return this.#entered(this.api.post(`/v2/groups/${id}/join`, note ? { note } : {}));
  }

  withdraw(id) {
    return this.api.delete(`/v2/groups/${id}/join`);
  }

  /** A page of who wants to come in: {requests: [{user, note, at}], next}. */
  async requests(id, after) {
    const found = await this.api.get(`/v2/groups/${id}/requests`, { after });
    this.users.know(...found.requests.map(({ user }) => user));
    return found;
  }

  answer(id, user, accept) {
    return this.api.post(`/v2/groups/${id}/requests/${user}`, { accept });
  }

  async invites(id) {
    return (await this.api.get(`/v2/groups/${id}/invites`)).invites;
  }

  invite(id, { expires_in, uses } = {}) {
    return this.api.post(`/v2/groups/${id}/invites`, { expires_in, uses });
  }

  revoke(id, code) {
    return this.api.delete(`/v2/groups/${id}/invites/${code}`);
  }

  lookInvite(code) {
    return this.api.get(`/v2/invites/${encodeURIComponent(code)}`);
  }

  useInvite(code) {
    return this.#entered(this.api.post(`/v2/invites/${encodeURIComponent(code)}`));
  }

  /** A page of who has read a message: {count, readers: [{user, read_seq}], next}. */
  async readers(conversation, seq, after) {
    const found = await this.api.get(`/v2/conversations/${conversation}/messages/${seq}/readers`, { after });
    this.users.know(...found.readers.map(({ user }) => user));
    return found;
  }

  async #entered(answer) {
    const group = await answer;
    if (group.id) this.conversations.askFor(group.id);
    return group;
  }
}
