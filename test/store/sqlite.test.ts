import { storeContract } from '../contracts/store.js'
import { SqliteSubject } from './subject.js'

storeContract('SQLite', async () => new SqliteSubject())
