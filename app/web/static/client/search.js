// Messages by their words.

export class Search {
  constructor({ api }) {
    this.api = api;
  }

  /**
   * The wire's answer: {results, next, complete}. `filters`: conversation, sender, media, after,
   * before, sort. `cursor` is the `next` of the answer before. Throws ApiError.
   */
  messages(q, filters = {}, cursor) {
    return this.api.get("/v2/search", { q: q || undefined, ...filters, cursor: cursor ?? undefined });
  }
}
