// The one client of this page.

import { createClient } from "client/client.js";
import { environment } from "views/environment.js";

export const client = createClient(environment);
