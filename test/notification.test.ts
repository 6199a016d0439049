import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkDraft, parseDraft } from '../src/notifications/draft.js'
import { InvalidError } from '../src/notifications/errors.js'
import { audienceOf } from '../src/notifications/notification.js'
import { characters, parseTime, safeUrl } from '../src/notifications/values.js'

const to = { user: '7' }
const now = Date.parse('2030-01-01T12:00:00Z')

function refusals(draft: unknown): Record<string, string> {
  const errors = checkDraft(draft, now)
  assert.notEqual(errors.length, 0, 'the draft was accepted')
  return Object.fromEntries(errors.map(({ field, message }) => [field, message]))
}

describe('a draft', () => {
  it('says that a title is needed, whether it is absent, empty, or nothing that can be seen', () => {
    for (const title of [{}, { title: '' }, { title: ' ' }, { title: '\u200b' }, { title: '\u200b\u2060 \u00a0\ufeff' }])
      assert.deepEqual(refusals({ to, ...title }), { title: 'A title is needed.' })
    assert.deepEqual(refusals({ to, title: 7 }), { title: 'The title must be text.' })
  })

  it('needs no more than to whom and a title', () => {
    assert.deepEqual(parseDraft({ to, title: 'Hello' }), {
      to,
      title: 'Hello',
      body: null,
      url: null,
      level: 'info',
      category: null,
      data: null,
      publishAt: null,
      expiresAt: null,
      idempotencyKey: null,
      sender: null,
      contentHash: null,
    })
  })

  it('goes to one user, several, a topic or everyone', () => {
    const audiences = [{ user: 'x y:z' }, { users: ['1', '2', '1'] }, { topic: 'role:editor' }, 'everyone'] as const
    assert.deepEqual(
      audiences.map((audience) => audienceOf(parseDraft({ to: audience, title: 'Hello' }).to)),
      ['user:x y:z', 'users', 'topic:role:editor', 'everyone'],
    )
  })

  it('names somebody who is named twice once', () => {
    assert.deepEqual(parseDraft({ to: { users: ['1', '2', '1'] }, title: 'Hello' }).to, { users: ['1', '2'] })
  })

  for (const [what, value] of Object.entries({
    nobody: undefined,
    'an empty list': { users: [] },
    'a number': { user: 7 },
    'an empty id': { user: '' },
    'two audiences': { user: '7', topic: 'x' },
    'a topic with a space': { topic: 'role editor' },
    'too many': { users: Array.from({ length: 5001 }, (_, n) => String(n)) },
    'a word that is no audience': 'all',
  })) {
    it(`to ${what} is refused, and says what to write instead`, () => {
      const { to: message } = refusals({ to: value, title: 'Hello' })
      assert.match(message ?? '', /\.$/)
    })
  }

  it('counts characters as people do: 200 emoji fit, 201 do not', () => {
    assert.equal(characters(parseDraft({ to, title: '🔔'.repeat(200) }).title), 200)
    assert.match(refusals({ to, title: '🔔'.repeat(201) }).title ?? '', /at most 200/)
  })

  it('names each field at fault once', () => {
    const wrong = { to, title: ' ', body: 'x'.repeat(5001), url: 'javascript:alert(1)', level: 'loud', publishAt: 'tomorrow', expiresAt: now - 1 }
    assert.deepEqual(Object.keys(refusals(wrong)).sort(), ['body', 'level', 'publishAt', 'title', 'url'])
  })

  it('refuses a field that does not exist, by its name', () => {
    assert.deepEqual(refusals({ to, title: 'Hello', colour: 'red' }), { colour: 'There is no field colour.' })
  })

  it('refuses to expire before it is published, or now', () => {
    assert.match(refusals({ to, title: 'Hello', publishAt: now + 2000, expiresAt: now + 1000 }).expiresAt ?? '', /after it is published/)
    assert.match(refusals({ to, title: 'Hello', expiresAt: now }).expiresAt ?? '', /later time/)
  })

  it('has times of years with four digits, whatever their offset', () => {
    const last = '9999-12-31T23:59:59.999Z'
    assert.equal(parseDraft({ to, title: 'Hello', expiresAt: last }).expiresAt, Date.parse(last))
    for (const time of ['9999-12-31T23:59:59-14:00', Date.parse(last) + 1, 8.64e15]) {
      assert.match(refusals({ to, title: 'Hello', publishAt: time }).publishAt ?? '', /four digits/)
    }
  })

  it('takes data that JSON can hold, to 4,096 bytes', () => {
    assert.equal(parseDraft({ to, title: 'Hello', data: { order: 7 } }).data, '{"order":7}')
    assert.match(refusals({ to, title: 'Hello', data: 'é'.repeat(2048) }).data ?? '', /4,096 bytes/)
    assert.match(refusals({ to, title: 'Hello', data: 1n }).data ?? '', /JSON/)
    const circle: { self?: unknown } = {}
    circle.self = circle
    assert.match(refusals({ to, title: 'Hello', data: circle }).data ?? '', /JSON/)
  })

  it('under the same key is known by its content, whatever the order of its fields', () => {
    const a = parseDraft({ to, title: 'Hello', body: 'b', idempotencyKey: 'k' })
    const b = parseDraft({ idempotencyKey: 'k', body: 'b', title: 'Hello', to })
    const named = (users: string[], data: object) => parseDraft({ to: { users }, title: 'Hello', data, idempotencyKey: 'k' }).contentHash
    assert.equal(named(['ada', 'bo'], { a: [1, { b: 2, c: 3 }], d: 4 }), named(['bo', 'ada'], { d: 4, a: [1, { c: 3, b: 2 }] }))
    assert.notEqual(named(['ada'], { a: [1, 2] }), named(['ada'], { a: [2, 1] }))
    assert.notEqual(named(['ada'], { a: 1 }), named(['ada', 'bo'], { a: 1 }))
    const c = parseDraft({ to, title: 'Hello', body: 'c', idempotencyKey: 'k' })
    assert.equal(a.contentHash, b.contentHash)
    assert.notEqual(a.contentHash, c.contentHash)
  })

  it('is read or refused with InvalidError, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true }), fc.anything(), (title, body) => {
        try {
          const draft = parseDraft({ to, title, body })
          assert.ok(draft.title.isWellFormed() && !draft.title.includes('\0') && characters(draft.title) <= 200)
        } catch (error) {
          assert.ok(error instanceof InvalidError)
        }
      }),
    )
  })

  it('is read by the short way, where it is plain, exactly as the schema reads it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 8 }),
      fc.constantFrom('', ' a', 'a\r\nb', 'a\0', '\ud800', 'x'.repeat(201), '🔔'.repeat(150)),
    )
    const usual = <T>(value: T, ...others: fc.Arbitrary<unknown>[]) =>
      fc.oneof({ arbitrary: fc.constant<unknown>(value), weight: 6 }, fc.constantFrom(undefined, null, 7), ...others)
    const fields = {
      to: usual({ user: '7' }, fc.constantFrom('everyone', 'all', { user: '7', topic: 'x' }, { topic: 'x' }, { user: 7 }), fc.record({ user: text })),
      title: usual('Hello', text),
      body: usual('Somebody wrote', text),
      url: usual('/posts/1', text, fc.constantFrom('//host', 'https://example.com/ä', ' /x', 'javascript:alert(1)', '/\\host')),
      level: usual('info', fc.constantFrom('success', 'error', 'loud', '')),
      category: usual('comments', text, fc.constant('x'.repeat(65))),
      sender: usual('8', text),
    }
    const outcome = (draft: unknown) => {
      try {
        return parseDraft(draft)
      } catch (error) {
        return error instanceof InvalidError ? error.errors : error
      }
    }
    fc.assert(
      fc.property(fc.record(fields, { requiredKeys: ['to', 'title'] }), (draft) => {
        // A field that is never plain sends the same draft to the schema.
        assert.deepEqual(outcome(draft), outcome({ ...draft, data: null }))
      }),
      { numRuns: 2000 },
    )
  })

  it('keeps what it was given, whatever the host does with its own object afterwards', () => {
    const own = { user: '7' }
    const draft = parseDraft({ to: own, title: 'Hello' })
    own.user = '8'
    assert.deepEqual(draft.to, { user: '7' })
  })

  it('keeps lone surrogates and NUL out of the database', () => {
    assert.equal(parseDraft({ to, title: 'a\ud800b' }).title, 'a\ufffdb')
    const data = { 'k\udc00': 'a\ud800b', pair: '\ud83d\udd14', written: '\\ud800', controls: '\n\u0001"' }
    const { 'k\udc00': half, ...whole } = data
    assert.deepEqual(JSON.parse(parseDraft({ to, title: 'Hello', data }).data ?? ''), { 'k\ufffd': half.toWellFormed(), ...whole })
    assert.match(refusals({ to, title: 'a\0b' }).title ?? '', /NUL/)
  })
})

describe('a link', () => {
  for (const url of ['/', '/posts/1#c9', '/a?b=c&d=%2F', 'http://example.com', 'https://example.com/ä?x#y', 'HTTPS://EXAMPLE.COM/']) {
    it(`may be ${url}`, () => assert.equal(safeUrl(url), url))
  }
  const unsafe = [
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    '/\n/evil.example',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.com',
    'https:evil.example',
    'http:/evil.example',
    'posts/1',
    '/a\nb',
    'https://example.com/a b',
    '',
    'https://',
    'http://[',
    `/${'x'.repeat(2048)}`,
    7,
    null,
  ]
  for (const url of unsafe) it(`is never ${JSON.stringify(url)?.slice(0, 60)}`, () => assert.equal(safeUrl(url), null))

  it('as a path of this site never leads to another', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (rest) => {
        const href = safeUrl(`/${rest}`)
        if (href !== null) assert.equal(new URL(href, 'https://here.example').origin, 'https://here.example')
      }),
      { numRuns: 2000 },
    )
  })
})

describe('a time', () => {
  it('is a Date, milliseconds, or ISO 8601 with an offset', () => {
    for (const value of [
      new Date(now),
      now,
      '2030-01-01T12:00Z',
      '2030-01-01T12:00:00.000Z',
      '2030-01-01T13:00:00+01:00',
      '2030-01-01T07:00:00-0500',
    ]) {
      assert.equal(parseTime(value), now)
    }
  })
  it('is nothing else', () => {
    for (const value of [
      '2030-01-01',
      '2030-01-01T12:00:00',
      'tomorrow',
      '',
      Number.NaN,
      Number.POSITIVE_INFINITY,
      9e15,
      new Date('x'),
      null,
      {},
      '2030-13-01T00:00Z',
      '2030-02-29T12:00Z',
      '2030-04-31T12:00:00+02:00',
    ]) {
      assert.equal(parseTime(value), null)
    }
  })
})
