import type { Request } from 'express'
import { type Language, languageOf, type Options } from '../options.js'
import { english, type Words } from './words.js'
import { arabic } from './words-ar.js'
import { polish } from './words-pl.js'

const CATALOGUES: Readonly<Record<Language, Words>> = { en: english, pl: polish, ar: arabic }

/** In the language that the host says for whoever asks; English where it says none, or one that there are no words in. */
export function wordsFor({ language }: Pick<Options, 'language'>, req: Request): Words {
  return CATALOGUES[languageOf(typeof language === 'function' ? language(req) : language) ?? 'en']
}
