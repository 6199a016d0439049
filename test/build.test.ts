import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Folder } from './embedding/served.js'

const root = new URL('../', import.meta.url)

test('a start with stale sources in a folder that cannot be written says what to do, in one line', async () => {
  using folder = new Folder()
  for (const part of ['scripts', 'src', 'public/belfry.css', 'public/app.css', 'package.json', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(fileURLToPath(new URL(part, root)), folder.file(part), { recursive: true })
  // Not a folder, which nobody can write to, root neither.
  mkdirSync(folder.file('node_modules'))
  writeFileSync(folder.file('node_modules/.cache'), '')
  const child = spawn(process.execPath, [folder.file('scripts/start.mjs')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.equal(code, 1)
  const lines = said.trim().split('\n')
  assert.match(
    lines.at(-1) ?? '',
    /^The server is to be built, .* cannot be written \(E\w+\)\. Run 'npm run build' as a user who may, and start again\.$/,
  )
  assert.ok(
    lines.slice(0, -1).every((line) => line.startsWith('Building the ')),
    said,
  )
})

test('a start where nothing is built and only what runs was installed says what to do, in one line', async () => {
  using folder = new Folder()
  for (const part of ['scripts', 'src', 'public/belfry.css', 'public/app.css', 'package.json', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(fileURLToPath(new URL(part, root)), folder.file(part), { recursive: true })
  const child = spawn(process.execPath, [folder.file('scripts/start.mjs')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  assert.equal(code, 1)
  const lines = said.split('\n').filter((line) => line !== '' && !line.startsWith('Building the '))
  assert.deepEqual(lines, [
    "Nothing can be built without what 'npm ci --omit=dev' leaves out. Run 'npm ci --include=dev' and start again, or build before you leave it out.",
  ])
})
