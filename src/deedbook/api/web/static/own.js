// Signs in and out of My data; where the service asks nobody who they are, the wallet only says which account it is.
"use strict";

import { ask, asked, onPress, onSigning, signIn, tell, wallets } from "./page.js";

async function enter(asking) {
  tell("asking");
  const account = await asking.connect();
  await signIn(asking);
  tell(null);
  if (asked.door) location.reload();
  else location.search = `?account=${account}`;
}

async function leave() {
  await ask("DELETE", "/session");
  location.replace(location.pathname);
}

const leaving = document.getElementById("leave");
if (leaving) onPress(leaving, leave);
if (document.getElementById("sign")) onSigning(document.getElementById("sign"), wallets(), enter);
