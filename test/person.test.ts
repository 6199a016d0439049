import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { OptionError } from '../src/notifications/errors.js'
import { parsePerson } from '../src/notifications/person.js'

describe('what identify answers', () => {
  it('may be no more than an id', () => {
    assert.deepEqual(parsePerson({ id: '7' }, 'identify'), { id: '7', since: 0, topics: new Map(), key: '' })
  })

  it('says since when, in any form of a time', () => {
    const since = Date.parse('2030-01-01T00:00:00Z')
    for (const form of [since, new Date(since), '2030-01-01T00:00:00Z']) {
      const person = parsePerson({ id: '7', since: form, topics: [{ name: 'role:editor', since: form }] }, 'identify')
      assert.equal(person.since, since)
      assert.deepEqual([...person.topics], [['role:editor', since]])
    }
  })

  it('has the same key for the same memberships in any order, and another for others', () => {
    const key = (topics: unknown) => parsePerson({ id: '7', topics }, 'identify').key
    assert.equal(key(['a', 'b']), key([{ name: 'b' }, 'a', 'a']))
    assert.notEqual(key(['a', 'b']), key(['a']))
    assert.notEqual(key(['a']), key([{ name: 'a', since: 5 }]))
    assert.notEqual(key(['a,b']), key(['a', 'b']))
  })

  for (const wrong of [
    {},
    { id: 7 },
    { id: '' },
    { id: '7', topics: 'role:editor' },
    { id: '7', topics: ['a b'] },
    { id: '7', since: 'yesterday' },
    'ada',
    { id: 'x\0' },
  ]) {
    it(`is refused with a sentence when it is ${JSON.stringify(wrong)}`, () => {
      assert.throws(
        () => parsePerson(wrong, 'identify'),
        (error: unknown) => error instanceof OptionError && error.message.startsWith('identify must answer'),
      )
    })
  }

  it('says what a topic is where one is none', () => {
    assert.throws(() => parsePerson({ id: '7', topics: ['role:editor', 'a b'] }, 'identify'), /topics.1.name: A topic is a name .* without spaces/)
    assert.throws(() => parsePerson({ id: '7', topics: [7] }, 'identify'), /topics.0: A topic is a name such as role:editor, or/)
    assert.throws(() => parsePerson({ id: '7', topics: null }, 'identify'), /at topics: topics must be an array/)
  })

  it('says what since is where it is none, in a topic, too', () => {
    for (const since of ['2026-01-01 00:00:00', Number.NaN, new Date('no date'), {}]) {
      assert.throws(() => parsePerson({ id: '7', since }, 'identify'), /at since: since must be a Date, ISO 8601/)
      assert.throws(() => parsePerson({ id: '7', topics: [{ name: 'a', since }] }, 'identify'), /at topics.0.since: since must be a Date, ISO 8601/)
    }
  })
})
