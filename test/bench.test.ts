import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { contest } from '../bench/lib/contest.js'

describe('a contest', () => {
  it('begins each round with the next contestant, and tells of them in the order in which they were named', async () => {
    const turns: string[] = []
    const results = await contest(4, { belfry: 1, socketio: 2, ws: 3 }, async (value, name) => {
      turns.push(name)
      return { value, turn: turns.length }
    })
    assert.deepEqual(turns.join(' '), 'belfry socketio ws socketio ws belfry ws belfry socketio belfry socketio ws')
    assert.deepEqual(Object.keys(results.samples), ['belfry', 'socketio', 'ws'])
    assert.deepEqual(results.values('ws', 'turn'), [3, 5, 7, 12], 'a sample a round, in the order of the rounds')
    assert.deepEqual(results.values('ws', 'value'), [3, 3, 3, 3])
  })
})
