import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { FairQueue } from '../../src/app/fair-queue.js'

/** A queue that two can work in and six can wait in; what has begun, in its order, and how to end it. */
function open() {
  const queue = new FairQueue({ atOnce: 2, waiting: 6, full: () => new Error('full') })
  const begun: string[] = []
  const endings: (() => void)[] = []
  const turnedAway: string[] = []
  const ask = (name: string) => {
    const work = () =>
      new Promise<void>((resolve) => {
        begun.push(name)
        endings.push(resolve)
      })
    return queue.inTurn(name[0] ?? '', work).catch(() => void turnedAway.push(name))
  }
  /** Ends what has begun, until nothing is left. */
  const finish = async (all: readonly Promise<unknown>[]) => {
    const ending = setInterval(() => endings.shift()?.())
    await Promise.all(all)
    clearInterval(ending)
  }
  return { ask, begun, turnedAway, finish, queue }
}

describe('a fair queue', () => {
  it('lets two work at a time, in the order in which they came', async () => {
    const { ask, begun, finish } = open()
    const all = ['a1', 'b1', 'c1', 'd1'].map(ask)
    await nextTurn()
    assert.deepEqual(begun, ['a1', 'b1'])
    await finish(all)
    assert.deepEqual(begun, ['a1', 'b1', 'c1', 'd1'])
  })

  it('gives each asker a turn before any has another', async () => {
    const { ask, begun, finish } = open()
    await finish(['a1', 'a2', 'a3', 'a4', 'a5', 'b1', 'c1', 'b2'].map(ask))
    assert.deepEqual(begun, ['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5'])
  })

  it('turns away the latest of whoever has most waiting, for somebody who has less', async () => {
    const { ask, begun, turnedAway, finish } = open()
    await finish(['a1', 'a2', 'a3', 'a4', 'a5', 'a6', 'a7', 'a8', 'b1', 'b2'].map(ask))
    assert.deepEqual(turnedAway, ['a8', 'a7'])
    assert.deepEqual(begun, ['a1', 'a2', 'a3', 'b1', 'a4', 'b2', 'a5', 'a6'])
  })

  it('turns away who comes when all others have no more waiting than they', async () => {
    const { ask, turnedAway, finish } = open()
    await finish(['a1', 'b1', 'a2', 'a3', 'a4', 'b2', 'b3', 'b4', 'b5', 'a5'].map(ask))
    assert.deepEqual(turnedAway, ['b5', 'a5'])
  })

  it('goes on after work that fails', async () => {
    const { queue } = open()
    const fails = () => Promise.reject(new Error('broken'))
    for (let n = 0; n < 5; n++) await assert.rejects(queue.inTurn('a', fails), /broken/)
    assert.equal(await queue.inTurn('a', async () => 'done'), 'done')
  })
})
