import assert from 'node:assert/strict'
import { test } from 'node:test'
import session from 'express-session'
import { contentOf, LastAnswers } from '../../src/notifications/http/last-answers.js'

const cookie = new session.Cookie()
const adas = contentOf(sessionOf('ada'))

function sessionOf(user: string) {
  return { cookie, user }
}

test('what a host said of a session holds for half a minute, of just that content and just that user', () => {
  const answers = new LastAnswers()
  const said = { content: adas, user: 'ada', asOf: 1000 }
  assert.equal(answers.hold('of ada', said), false, 'nothing was said yet')
  answers.note('of ada', said)
  assert.equal(answers.hold('of ada', { ...said, asOf: 30_999 }), true)
  assert.equal(answers.hold('of ada', { ...said, asOf: 31_000 }), false)
  assert.equal(answers.hold('of ada', { ...said, user: 'bob' }), false)
  assert.equal(answers.hold('of ada', { ...said, content: contentOf(sessionOf('bob')) }), false)
  assert.equal(answers.hold('of bob', said), false)
})

test('a cookie that lasts longer is no other content; what cannot be told apart never holds', () => {
  const later = Object.assign(new session.Cookie(), { maxAge: 5000 })
  assert.equal(contentOf({ ...sessionOf('ada'), cookie: later }), adas)
  const content = contentOf({ ...sessionOf('ada'), ...{ balance: 10n } })
  const answers = new LastAnswers()
  const said = { content, user: 'ada', asOf: 0 }
  answers.note('of ada', said)
  assert.equal(answers.hold('of ada', said), false)
})
