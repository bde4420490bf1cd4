package adopt

// roundTrips are specs that use what a distribution can say.
var roundTrips = map[string]string{
	"website": `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: shop, owner: web, labels: {cost: "4711"}}
spec:
  hosts: [shop.example.com, www.shop.example.com]
  tls: {minVersion: "1.3"}
  routes:
    - {name: assets, match: {prefix: /assets}, service: assets, methods: [GET, HEAD, OPTIONS]}
    - {name: one, match: {path: /assets/one.txt}, service: assets, methods: [GET, HEAD]}
    - name: api
      match: {prefix: /api}
      service: api
      cors: {origins: ["https://app.example.com"], methods: [GET, POST], headers: [x-token], expose: [x-total], credentials: on}
      cache: off
    - {name: pages, service: pages, methods: [GET, HEAD, OPTIONS]}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: assets, owner: web}
spec: {directory: {path: assets, index: home.html}, aws: {bucket: shop-assets-prod, region: eu-central-1}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: api, owner: web}
spec:
  endpoints: ["https://api.internal.example.com:8443"]
  host: endpoint
  timeouts: {connect: 3s, firstByte: 10s, whole: 50s}
  keepAlive: {idle: 20s}
  dns: {family: both}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: pages, owner: web}
spec: {endpoints: ["https://pages.internal.example.com"], aws: {loadBalancer: "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/inner/0123456789abcdef"}}
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: prod, owner: edge}
spec:
  zones: {example.com: Z0123456789ABCDEFGHIJ}
  priceClass: "200"
  ipv6: off
  logs: {bucket: "arn:aws:s3:::edge-logs"}
`,
	"caches": `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: caches, owner: web}
spec:
  hosts: [caches.example.com]
  profile: plain
  forwarded: set
  redirect: https
  hsts: {maxAge: 24h, includeSubDomains: on}
  compress: on
  methods: [GET, HEAD]
  headers:
    response:
      set: {X-Frame-Options: DENY, X-Stage: live}
      default: {Content-Security-Policy: "default-src 'self'", Referrer-Policy: no-referrer}
      remove: [Server]
  routes:
    - {name: query, match: {prefix: /query}, service: app, cache: {mode: standard, key: {query: [a, b], headers: [accept-language]}, ttl: {default: 5m, max: 1h}}}
    - {name: except, match: {prefix: /except}, service: app, cache: {mode: standard, key: {queryExcept: [utm_source]}}}
    - {name: cookies, match: {path: /cookies}, service: own, cache: {mode: standard, key: {query: [], cookies: [currency]}, ttl: {default: 90s}}}
    - {name: people, match: {prefix: /people}, service: own, cache: {mode: private, anonymousCookies: [seen]}}
    - {name: rest, service: app, cache: off}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: app, owner: web}
spec: {endpoints: ["https://app.internal.example.com"], aws: {secret: "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop-origin-a1B2c3"}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: own, owner: web}
spec: {endpoints: ["http://own.internal.example.com:8080"], host: endpoint}
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: prod, owner: edge}
spec:
  certificates: [{arn: "arn:aws:acm:us-east-1:123456789012:certificate/12345678-90ab-cdef-1234-567890abcdef", hosts: [caches.example.com]}]
  http3: off
`,
	"one page": `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: app, owner: web}
spec:
  hosts: [app.example.com]
  profile: static
  service: files
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: files, owner: web}
spec: {directory: {path: app, fallback: index.html}, aws: {bucket: app-prod, region: us-east-1}}
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: prod, owner: edge}
spec: {zones: {example.com: Z0123456789ABCDEFGHIJ}}
`,
	"function": `
apiVersion: skerry.dev/v1
kind: Entrypoint
metadata: {name: fn, owner: web}
spec:
  hosts: [fn.example.com]
  profile: api
  routes:
    - {name: calls, match: {prefix: /calls}, service: grpc}
    - {name: rest, service: fn, methods: [GET, HEAD]}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: fn, owner: web}
spec: {endpoints: ["https://abcdefghij.lambda-url.us-east-1.on.aws"], host: endpoint, aws: {function: "arn:aws:lambda:us-east-1:123456789012:function:shop"}}
---
apiVersion: skerry.dev/v1
kind: Service
metadata: {name: grpc, owner: web}
spec: {endpoints: ["https://grpc.internal.example.com"], protocol: http2}
---
apiVersion: skerry.dev/v1
kind: AWS
metadata: {name: prod, owner: edge}
spec: {zones: {example.com: Z0123456789ABCDEFGHIJ}}
`,
}
