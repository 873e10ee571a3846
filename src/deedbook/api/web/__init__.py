"""The pages: what the ledger says, for people who have a browser and nothing else.

Rendered here, whole, as HTML; every page works without scripts, is told in Chinese and English (`catalogues/`), and has
a sibling in JSON, where it shows a table also in CSV. A page reads the mirror and what is public beside it, and knows
no key; what only a person may see is on that person's own pages (`own`) and no others. What is signed is signed in the
browser's wallet (`static/wallet.js`), after it was read. What comes from outside is shown as text and as nothing else.
"""
