import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { type ComposeValues, compose, composeValues, splitNames } from '../../src/app/compose.js'
import { isTimeZone, parseMoment, serverTimeZone } from '../../src/app/zoned-time.js'
import { MalformedError } from '../../src/notifications/index.js'

const people = [
  { id: '1', username: 'ada', disabled: false },
  { id: '2', username: 'Bob', disabled: false },
  { id: '3', username: 'carol', disabled: true },
]
const now = Date.parse('2026-01-15T12:00:00Z')
const surroundings = {
  find: (name: string) => people.find(({ username }) => username.toLowerCase() === name.toLowerCase()),
  roles: ['member', 'admin'],
  timeZone: 'Europe/Vienna',
  sender: 'user:1',
  now,
}

const draftOf = (fields: Partial<ComposeValues>) => {
  const composed = compose(composeValues({ audience: 'user', recipients: 'ada', title: 'Hello', ...fields }), surroundings)
  assert.ok('draft' in composed, JSON.stringify(composed))
  return composed.draft
}
const errorsOf = (fields: Record<string, unknown>) => {
  const composed = compose(composeValues({ audience: 'user', recipients: 'ada', title: 'Hello', ...fields }), surroundings)
  assert.ok('errors' in composed, 'nothing was found wrong')
  return Object.fromEntries(composed.errors.map(({ field, message }) => [field, message]))
}
const iso = (moment: unknown) => (moment instanceof Date ? moment.toISOString() : moment)

describe('whom a composed notification is for', () => {
  it('is one person by username, whatever the case', () => assert.deepEqual(draftOf({ recipients: ' BOB ' }).to, { user: '2' }))
  it('is several people, separated by commas, spaces or lines, each once', () =>
    assert.deepEqual(draftOf({ audience: 'users', recipients: 'ada, bob\r\nADA  bob,' }).to, { users: ['1', '2'] }))
  it('is a role', () => assert.deepEqual(draftOf({ audience: 'role', role: 'member' }).to, { topic: 'role:member' }))
  it('is everyone, whatever else was filled in', () => assert.equal(draftOf({ audience: 'everyone', recipients: 'nobody-at-all' }).to, 'everyone'))
  it('must be chosen', () => assert.deepEqual(Object.keys(errorsOf({ audience: '' })), ['audience']))
  it('must be one of those there are', () => assert.deepEqual(Object.keys(errorsOf({ audience: 'all' })), ['audience']))
  it('must name somebody', () => assert.deepEqual(errorsOf({ recipients: ' , \n ' }), { recipients: 'Write a username.' }))
  it('must be one person where one person was chosen', () => assert.match(errorsOf({ recipients: 'ada bob' }).recipients ?? '', /several people/))
  it('names each who is unknown and each who is disabled', () =>
    assert.deepEqual(errorsOf({ audience: 'users', recipients: 'ada zed carol yan' }), {
      recipients: "There is nobody called zed or yan. carol is disabled and can't be written to.",
    }))
  it('is at most 5,000 people by name', () => {
    const recipients = Array.from({ length: 5001 }, (_, n) => `user-${n}`).join(' ')
    const values = composeValues({ audience: 'users', recipients, title: 'x' })
    const composed = compose(values, { ...surroundings, find: (username) => ({ id: username, username, disabled: false }) })
    assert.match('errors' in composed ? JSON.stringify(composed.errors) : '', /"recipients","message":"At most 5,000 users/)
  })
  it('must be a role that there is', () => assert.deepEqual(Object.keys(errorsOf({ audience: 'role', role: 'owner' })), ['role']))
})

describe('a composed notification', () => {
  it('says everything that is wrong at once, each of its field', () => {
    const errors = errorsOf({
      audience: 'users',
      recipients: 'zed',
      title: ' ',
      body: 'x'.repeat(5001),
      url: 'javascript:alert(1)',
      level: 'fatal',
      category: 'c'.repeat(65),
      publishAt: 'tomorrow',
      expiresAt: '2020-01-01T00:00',
      timeZone: 'Mars/Base',
    })
    assert.deepEqual(Object.keys(errors).toSorted(), [
      'body',
      'category',
      'expiresAt',
      'level',
      'publishAt',
      'recipients',
      'timeZone',
      'title',
      'url',
    ])
  })
  it('is of level info unless another is chosen', () =>
    assert.deepEqual(errorsOf({ level: 'loud' }), { level: 'The level must be one of info, success, warning, error.' }))
  it('takes 200 characters of any script as a title, and not one more', () => {
    assert.equal(draftOf({ title: '🔔'.repeat(200) }).title, '🔔'.repeat(200))
    assert.deepEqual(Object.keys(errorsOf({ title: '🔔'.repeat(201) })), ['title'])
  })
  it('must expire after it is published', () =>
    assert.deepEqual(Object.keys(errorsOf({ publishAt: '2026-02-01T10:00', expiresAt: '2026-02-01T10:00' })), ['expiresAt']))
  it('says who sends it and carries its key', () => {
    const { sender, idempotencyKey } = draftOf({ idempotencyKey: 'k1' })
    assert.deepEqual({ sender, idempotencyKey }, { sender: 'user:1', idempotencyKey: 'k1' })
  })
  for (const value of [['a', 'b'], { a: 1 }, 7, true]) {
    it(`is refused as malformed where a field is ${JSON.stringify(value)}`, () =>
      assert.throws(() => composeValues({ title: value }), MalformedError))
  }
  for (const body of ['text', null, [], 7]) {
    it(`is refused as malformed where the whole is ${JSON.stringify(body)}`, () => assert.throws(() => composeValues(body), MalformedError))
  }
})

describe('a time in the compose form', () => {
  it("is read in the server's zone unless another is named", () =>
    assert.equal(iso(draftOf({ publishAt: '2026-07-01T12:00' }).publishAt), '2026-07-01T10:00:00.000Z'))
  it('is read in the zone that is named', () =>
    assert.equal(iso(draftOf({ publishAt: '2026-07-01T12:00', timeZone: 'Asia/Kolkata' }).publishAt), '2026-07-01T06:30:00.000Z'))
  it('with an offset means just that, whatever the zone', () =>
    assert.equal(iso(draftOf({ publishAt: '2026-07-01T12:00:00-03:00', timeZone: 'Asia/Kolkata' }).publishAt), '2026-07-01T15:00:00.000Z'))
  it('that is asked for must be there', () => {
    assert.match(errorsOf({ planned: 'yes' }).publishAt ?? '', /whole date and time/)
    assert.match(errorsOf({ expires: 'yes', expiresAt: ' ' }).expiresAt ?? '', /whole date and time/)
  })
  it('counts also where it was not asked for', () =>
    assert.equal(iso(draftOf({ publishAt: '2026-07-01T12:00', planned: '' }).publishAt), '2026-07-01T10:00:00.000Z'))
  it('to publish may have passed while the form was sent, not before', () => {
    assert.equal(iso(draftOf({ publishAt: '2026-01-15T12:59' }).publishAt), '2026-01-15T11:59:00.000Z')
    assert.match(errorsOf({ publishAt: '2026-01-15T12:58' }).publishAt ?? '', /has passed/)
    assert.match(errorsOf({ publishAt: '2026-01-15T11:58:59Z', expiresAt: '2026-02-01T12:00' }).publishAt ?? '', /has passed/)
  })
  it('in an unknown zone is refused', () =>
    assert.deepEqual(Object.keys(errorsOf({ publishAt: '2026-07-01T12:00', timeZone: 'Nowhere' })), ['timeZone']))
  it('that the clocks skip counts from before the change', () => {
    assert.equal(iso(parseMoment('2026-03-29T02:30', 'Europe/Vienna')), '2026-03-29T01:30:00.000Z')
    assert.equal(iso(parseMoment('2026-03-08T02:30', 'America/New_York')), '2026-03-08T07:30:00.000Z')
  })
  it('that comes twice is the first of the two', () => {
    assert.equal(iso(parseMoment('2026-10-25T02:30', 'Europe/Vienna')), '2026-10-25T00:30:00.000Z')
    assert.equal(iso(parseMoment('2026-04-05T01:45', 'Australia/Lord_Howe')), '2026-04-04T14:45:00.000Z')
  })
  for (const text of [
    '2026-06-31T12:00',
    '2026-01-01',
    '12:00',
    '2026-01-01T25:00',
    '2026-01-01T12:60',
    'soon',
    '2026-01-01T12:00+99:99',
    '1767225600000',
  ]) {
    it(`is not ${text}`, () => assert.equal(parseMoment(text, 'UTC'), null))
  }
  it('agrees with the clock of the zone at every hour of two years', () => {
    for (const zone of ['Europe/Vienna', 'America/St_Johns', 'Pacific/Apia', 'Australia/Lord_Howe', 'Africa/Casablanca']) {
      const format = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
      for (let hour = 0; hour < 2 * 366 * 24; hour += 29) {
        const moment = Date.UTC(2025, 0, 1) + hour * 3_600_000
        const read = parseMoment(format.format(moment).replace(' ', 'T'), zone)?.getTime()
        assert.ok(
          read === moment || (read !== undefined && format.format(read) === format.format(moment) && read < moment),
          `${zone} ${new Date(moment).toISOString()}`,
        )
      }
    }
  })
  it('knows which zones there are', () => {
    assert.ok(isTimeZone(serverTimeZone()))
    assert.ok(!isTimeZone('Europe/Atlantis') && !isTimeZone('') && !isTimeZone('<b>'))
  })
})

describe('names in a row', () => {
  it('are split at commas, semicolons, spaces and lines', () => assert.deepEqual(splitNames('a, b;c\td\n\n e '), ['a', 'b', 'c', 'd', 'e']))
  it('are what people see of what they pasted: quotes, brackets, a leading @ and characters without width are no part of a name', () =>
    assert.deepEqual(splitNames('"ada", “bob” | @cyd، dee、<eve> f\u200Bay\uFEFF'), ['ada', 'bob', 'cyd', 'dee', 'eve', 'fay']))
  it('are not read out of what is no username: José is not jos, nor is ada@example.com ada', () =>
    assert.deepEqual(splitNames('José ada@example.com o’hara'), ['José', 'ada@example.com', 'o’hara']))
})
