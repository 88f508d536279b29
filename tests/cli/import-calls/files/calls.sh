# What the support sent us.
curl -s https://api.shop.example/v1/orders?limit=10 \
  -H 'X-Api-Key: secret-in-the-command' -H 'Accept: application/vnd.shop.v2+json'

$ curl https://api.shop.example/v1/orders -H 'X-Api-Key: secret-in-the-command' \
  --json '{"customer": 7, "lines": [{"sku": "A1", "count": 2}]}'
curl -X DELETE https://api.shop.example/v1/orders/12345 -H 'X-Api-Key: secret-in-the-command'
curl --unix-socket /run/x.sock https://api.shop.example/v1/status
