"""The same with the product's own limits."""

from tests.mailcorpus.misbehaving import main

if __name__ == "__main__":
    main(hurried=False)
