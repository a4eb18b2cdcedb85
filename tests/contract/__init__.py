"""Published contracts: the messages, every manifest, every port."""
