#!/bin/sh
# Proves the recipe: takes the code out of RECIPE.md and runs it on bundles.
#   recipe_test.sh BUNDLE [JWKS]   exits non-zero on any difference
#   recipe_test.sh                 every whole bundle here must pass, forged ones must not, both languages hold the same code
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

code() { # code LANGUAGE FILE
  awk -v open="\`\`\`$1" '$0 == open { on = 1; next } $0 == "```" { on = 0 } on' "$2"
}

code sh "$here/RECIPE.md" > "$work/recipe.sh"
code python "$here/RECIPE.md" > "$work/teams.py"

recipe() { # recipe BUNDLE JWKS
  rm -rf "$work/run"
  mkdir "$work/run"
  cp "$work/teams.py" "$work/run/"
  (cd "$work/run" && BUNDLE=$1 JWKS=$2 sh -eu "$work/recipe.sh")
}

if [ $# -ge 1 ]; then
  bundle=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
  jwks=${2:-$here/jwks.json}
  recipe "$bundle" "$(cd "$(dirname "$jwks")" && pwd)/$(basename "$jwks")"
  exit 0
fi

passed=0
failed=0
say() { # say EXPECTED FOUND NAME
  if [ "$1" = "$2" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "expected $1, found $2: $3"; fi
}
attempt() { if recipe "$1" "$here/jwks.json" > "$work/out" 2>&1; then echo agrees; else echo differs; fi; }

for language in sh python; do
  code $language "$here/RECIPE.zh.md" > "$work/zh"
  code $language "$here/RECIPE.md" > "$work/en"
  if cmp -s "$work/zh" "$work/en"; then say same same "$language"; else say same different "the $language code of RECIPE.zh.md"; fi
done
for name in small rich waived empty-pool bounds later names; do
  say agrees "$(attempt "$here/bundles/$name.tar.gz")" "$name"
done
python3 "$here/tamper.py" --kinds consistent "$here/bundles/rich.tar.gz" "$work/consistent" > /dev/null
python3 "$here/tamper.py" --kinds signed "$here/bundles/rich.tar.gz" "$work/signed" > /dev/null
for bundle in "$work"/consistent/*.tar.gz "$work"/signed/*-result-*.tar.gz "$work"/signed/*-digest-of-*.tar.gz; do
  say differs "$(attempt "$bundle")" "$(basename "$bundle")"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
