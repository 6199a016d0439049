import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Host } from '../helpers/embedded.js'

describe('the poll', () => {
  it('answers the state, privately, with a tag', async () => {
    await using host = await Host.start()
    await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const ada = await host.enter('ada')
    const { body, headers } = await ada
      .get('/notifications/unread')
      .expect(200)
      .expect('Content-Type', /^application\/json/)
    assert.deepEqual(body, await host.notifications.state('ada'))
    assert.equal(headers['cache-control'], 'private, no-cache')
    assert.match(headers.etag ?? '', /^"[\w-]+"$/)
  })

  it('answers 304 without a body while nothing changed, however the tag is sent, ahead of the app too', async () => {
    await using host = await Host.start({ ahead: true })
    const ada = await host.enter('ada')
    const { headers } = await ada.get('/notifications/unread').expect(200)
    const tag = headers.etag ?? ''
    for (const sent of [tag, `W/${tag}`, `"other", ${tag}`, '*']) {
      const answer = await ada.get('/notifications/unread').set('If-None-Match', sent).set('Cache-Control', 'no-cache').expect(304)
      assert.equal(answer.text, '')
      assert.equal(answer.headers.etag, tag)
      assert.equal(answer.headers['cache-control'], 'private, no-cache')
    }
    await using plain = await Host.start()
    await (await plain.enter('ada')).get('/notifications/unread').set('If-None-Match', '*').expect(304)
    await ada.get('/notifications/unread').set('If-None-Match', '"other"').expect(200)
  })

  it('has another tag after every change, although the count is the same again', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'ada' }, title: 'Hello' })
    const ada = await host.enter('ada')
    const seen = async () => {
      const { body, headers } = await ada.get('/notifications/unread').expect(200)
      return { unread: body.unread, tag: headers.etag }
    }
    const before = await seen()
    await host.notifications.markAsRead('ada', id)
    await host.notifications.markAsUnread('ada', id)
    const after = await seen()
    assert.equal(after.unread, before.unread)
    assert.notEqual(after.tag, before.tag)
  })

  it('has different tags for two users with the same count and version', async () => {
    await using host = await Host.start()
    const ada = await (await host.enter('ada')).get('/notifications/unread').expect(200)
    const bob = await (await host.enter('bob')).get('/notifications/unread').expect(200)
    assert.deepEqual(ada.body, bob.body)
    assert.notEqual(ada.headers.etag, bob.headers.etag)
    for (const { headers, body } of [ada, bob]) assert.ok(!headers.etag?.includes(body.epoch))
  })

  it('answers 401 as a problem to whoever is signed out, even to a browser', async () => {
    await using host = await Host.start({ signInPath: '/login' })
    await host.anybody
      .get('/notifications/unread')
      .set('Accept', 'text/html')
      .expect(401)
      .expect('Content-Type', /problem\+json/)
  })

  it('tells a page that somebody else has signed in behind nothing of theirs', async () => {
    await using host = await Host.start()
    const { id } = await host.notifications.notify({ to: { user: 'bob' }, title: 'For Bob' })
    const bob = await host.enter('bob')
    const markOf = async (user: string) => /data-user="([^"]+)"/.exec((await (await host.enter(user)).get('/page')).text)?.[1]
    for (const path of ['/notifications/unread', '/notifications', `/notifications/${id}`]) {
      await bob
        .get(path)
        .query({ 'belfry-for': await markOf('ada') })
        .set('Accept', 'application/json')
        .expect(401)
      await bob
        .get(path)
        .query({ 'belfry-for': await markOf('bob') })
        .set('Accept', 'application/json')
        .expect(200)
    }
    await bob
      .post(`/notifications/${id}/unread`)
      .query({ 'belfry-for': await markOf('ada') })
      .set('Accept', 'application/json')
      .expect(401)
  })

  it('follows a change of topics at the next request', async () => {
    const topics: Record<string, string[]> = { ada: [] }
    await using host = await Host.start({ topics })
    await host.notifications.notify({ to: { topic: 'role:editor' }, title: 'For editors' })
    const ada = await host.enter('ada')
    const before = await ada.get('/notifications/unread')
    topics.ada = ['role:editor']
    const after = await ada.get('/notifications/unread')
    assert.deepEqual([before.body.unread, after.body.unread], [0, 1])
    assert.ok(after.body.version > before.body.version)
  })
})
