import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { type Installed, repository } from './installed.js'

const run = promisify(execFile)

/** What a host needs of the package, and nothing else. */
const NEEDED = [
  /^(package\.json|README\.md|LICENSE)$/,
  /^dist\/[\w/-]+\.(js|d\.ts)$/,
  /^migrations\/(app|notifications)\/sqlite\/\d{4}_\w+\.sql$/,
  /^views\/(app|notifications)\/[\w-]+\.ejs$/,
  /^public\/(build\/([\w-]+\.(js|css)|types\/[\w/-]+\.d\.ts)|[\w-]+\.css|icons\/[\w-]+\.(svg|txt|md)|icons\/LICENSE[\w.-]*)$/,
]

export function describeContents(installed: () => Installed): void {
  describe('the package', () => {
    it('carries what a host needs and nothing else', () => {
      const { files } = installed()
      assert.deepEqual(
        files.filter((file) => !NEEDED.some((pattern) => pattern.test(file))),
        [],
      )
      for (const needed of [
        'dist/notifications/index.js',
        'dist/notifications/index.d.ts',
        'dist/notifications/testing.js',
        'dist/bin.js',
        'public/build/belfry.js',
        'LICENSE',
      ]) {
        assert.ok(files.includes(needed), needed)
      }
      assert.ok(files.some((file) => file.startsWith('migrations/notifications/')))
    })

    it('has doors for the app and for its tests, none that lead everywhere, and names no type that does not come with it', async () => {
      const manifest = JSON.parse(readFileSync(installed().file('node_modules/belfry/package.json'), 'utf8')) as {
        exports: object
        dependencies: Record<string, string>
      }
      assert.ok('.' in manifest.exports && './testing' in manifest.exports)
      assert.deepEqual(
        Object.keys(manifest.exports).filter((door) => door.includes('*')),
        [],
      )
      const declared = installed().files.filter((file) => file.startsWith('dist/notifications/') && file.endsWith('.d.ts'))
      const named = declared.flatMap((file) =>
        [...readFileSync(installed().file('node_modules/belfry', file), 'utf8').matchAll(/^(?:import|export)[^;]* from '([^.'][^']*)'/gm)].map(
          ([, name]) => name ?? '',
        ),
      )
      const comes = (name: string) => name.startsWith('node:') || name in manifest.dependencies || `@types/${name}` in manifest.dependencies
      assert.deepEqual(
        [...new Set(named)].filter((name) => !comes(name)),
        [],
      )
    })

    it('passes publint and attw, as a package of ES modules', async () => {
      const bin = (name: string) => join(repository, 'node_modules/.bin', name)
      const folder = installed().file('node_modules/belfry')
      await run(bin('publint'), ['--strict', '--pack', 'false', folder])
      await run(bin('attw'), [installed().tarball, '--ignore-rules', 'cjs-resolves-to-esm', '--no-color'])
    })

    it('runs in a JavaScript project and answers a plain sentence to options that cannot be', async () => {
      const script = `
        import { createNotifications, OptionError } from 'belfry'
        const session = (req, res, next) => next()
        try { createNotifications({ database: ':memory:', session, identify: 'nobody' }) } catch (error) { console.log(error instanceof OptionError, error.message) }
        const notifications = createNotifications({ database: ':memory:', session, identify: () => null })
        await notifications.notify({ to: { user: '7' }, title: 'Hello' })
        console.log(await notifications.unreadCount('7'))
        await notifications.close()`
      const { stdout } = await run(process.execPath, [installed().write('plain/run.js', script)])
      const required = `require('belfry').createNotifications({ database: ':memory:', session() {}, identify: () => null }).close().then(() => console.log('closed'))`
      assert.equal((await run(process.execPath, [installed().write('plain/run.cjs', required)])).stdout, 'closed\n')
      assert.equal(stdout, 'true The option identify must be a function of the request that answers { id } or null.\n1\n')
    })
  })

  describe('Express 4', () => {
    it('is refused in a sentence where it was forced', async () => {
      installed().write('old/express-4/package.json', '{ "name": "express", "version": "4.21.2", "main": "index.cjs" }')
      installed().write('old/express-4/index.cjs', 'module.exports = Object.assign(() => {}, { application: { lazyrouter() {} }, Router() {} })')
      const hook = installed().write(
        'old/hook.mjs',
        `export const resolve = (name, context, next) => (name === 'express' ? { url: new URL('express-4/index.cjs', import.meta.url).href, shortCircuit: true } : next(name, context))`,
      )
      const script = installed().write(
        'old/run.mjs',
        `import { register } from 'node:module'
        register(${JSON.stringify(`file://${hook}`)})
        const { createNotifications } = await import('belfry')
        try { createNotifications({}) } catch (error) { console.log(error.name, error.message) }`,
      )
      const { stdout } = await run(process.execPath, [script])
      assert.equal(stdout, 'OptionError Belfry needs Express 5, but the express that is installed here is version 4.\n')
    })
  })
}
