import type { Writable } from 'node:stream'
import type { Output } from '../app/main.js'

/** Standard output: each write resolves once the text is handed over. Whoever reads only the first lines (`| head`) wants no more, and that is no failure. */
export function standardOutput(stream: Writable): Output {
  let gone: NodeJS.ErrnoException | undefined
  stream.on('error', (error) => {
    gone ??= error
  })
  return {
    write: (text) =>
      new Promise<void>((resolve, reject) => {
        stream.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
          if (error) gone ??= error
          if (!error || gone?.code === 'EPIPE') resolve()
          else
            reject(
              new Error(`Standard output cannot be written to (${gone?.message}): what was to stand there is lost, what was to be done is done.`),
            )
        })
      }),
  }
}

/** Standard error: each write resolves once the text is handed over, or cannot be, which nobody is left to be told. */
export function standardError(stream: Writable): Output {
  stream.on('error', () => {})
  return { write: (text) => new Promise<void>((resolve) => void stream.write(text, () => resolve())) }
}
