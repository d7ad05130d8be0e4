"""Translation by an encoder and a decoder with attention over packed, padded sentences; two optimizers; greedy reading.

`python tests/programs/seq2seq.py [STEPS]`. Only the imports say minidl."""

import random
import sys

import minidl as torch
import minidl.nn as nn
import minidl.nn.functional as F
from minidl import optim
from minidl.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from minidl.utils.data.dataloader import DataLoader
from minidl.utils.data.dataset import Dataset

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
PAD_token, SOS_token, EOS_token = 0, 1, 2
pairs = [
    ("je suis petit", "i am small"), ("tu es grand", "you are tall"), ("il est petit et grand", "he is small and tall"),
    ("je suis la", "i am here"), ("elle est petite", "she is small"), ("tu es la et je suis la", "you and i are here"),
]


class Lang:
    def __init__(self, name):
        self.name = name
        self.word2index = {}
        self.index2word = {0: "PAD", 1: "SOS", 2: "EOS"}
        self.n_words = 3

    def addSentence(self, sentence):
        for word in sentence.split(" "):
            if word not in self.word2index:
                self.word2index[word] = self.n_words
                self.index2word[self.n_words] = word
                self.n_words += 1


input_lang, output_lang = Lang("fra"), Lang("eng")
for source, target in pairs:
    input_lang.addSentence(source)
    output_lang.addSentence(target)


class Pairs(Dataset):
    def __len__(self):
        return len(pairs)

    def __getitem__(self, i):
        index = lambda lang, s: torch.tensor([lang.word2index[w] for w in s.split(" ")] + [EOS_token])
        return index(input_lang, pairs[i][0]), index(output_lang, pairs[i][1])


def collate_fn(batch):
    batch.sort(key=lambda pair: len(pair[0]), reverse=True)
    sources, targets = zip(*batch)
    lengths = torch.tensor([len(s) for s in sources])
    sources = pad_sequence(sources, padding_value=PAD_token)  # (S, B)
    targets = pad_sequence(targets, padding_value=PAD_token)  # (T, B)
    return sources, lengths, targets, targets != PAD_token


class EncoderRNN(nn.Module):
    def __init__(self, hidden_size, embedding, n_layers=1, dropout=0):
        super(EncoderRNN, self).__init__()
        self.n_layers = n_layers
        self.hidden_size = hidden_size
        self.embedding = embedding
        self.gru = nn.GRU(
            hidden_size, hidden_size, n_layers, dropout=(0 if n_layers == 1 else dropout), bidirectional=True
        )

    def forward(self, input_seq, input_lengths, hidden=None):
        embedded = self.embedding(input_seq)
        packed = pack_padded_sequence(embedded, input_lengths)
        outputs, hidden = self.gru(packed, hidden)
        outputs, _ = pad_packed_sequence(outputs)
        outputs = outputs[:, :, : self.hidden_size] + outputs[:, :, self.hidden_size :]
        return outputs, hidden


class Attn(nn.Module):
    def __init__(self, method, hidden_size):
        super(Attn, self).__init__()
        self.method = method
        if self.method not in ["dot", "general", "concat"]:
            raise ValueError(self.method, "is not an appropriate attention method.")
        if self.method == "general":
            self.attn = nn.Linear(hidden_size, hidden_size)
        elif self.method == "concat":
            self.attn = nn.Linear(hidden_size * 2, hidden_size)
            self.v = nn.Parameter(torch.FloatTensor(hidden_size).uniform_(-1, 1).to(torch.get_default_dtype()))

    def forward(self, hidden, encoder_outputs):
        if self.method == "general":
            attn_energies = torch.sum(hidden * self.attn(encoder_outputs), dim=2)
        elif self.method == "concat":
            expanded = hidden.expand(encoder_outputs.size(0), -1, -1)
            energy = self.attn(torch.cat((expanded, encoder_outputs), 2)).tanh()
            attn_energies = torch.sum(self.v * energy, dim=2)
        else:
            attn_energies = torch.sum(hidden * encoder_outputs, dim=2)
        attn_energies = attn_energies.t()
        return F.softmax(attn_energies, dim=1).unsqueeze(1)  # (B, 1, S)


class LuongAttnDecoderRNN(nn.Module):
    def __init__(self, attn_model, embedding, hidden_size, output_size, n_layers=1, dropout=0.0):
        super(LuongAttnDecoderRNN, self).__init__()
        self.embedding = embedding
        self.n_layers = n_layers
        self.embedding_dropout = nn.Dropout(dropout)
        self.gru = nn.GRU(hidden_size, hidden_size, n_layers, dropout=(0 if n_layers == 1 else dropout))
        self.concat = nn.Linear(hidden_size * 2, hidden_size)
        self.out = nn.Linear(hidden_size, output_size)
        self.attn = Attn(attn_model, hidden_size)

    def forward(self, input_step, last_hidden, encoder_outputs):
        embedded = self.embedding_dropout(self.embedding(input_step))
        rnn_output, hidden = self.gru(embedded, last_hidden)
        attn_weights = self.attn(rnn_output, encoder_outputs)
        context = attn_weights.bmm(encoder_outputs.transpose(0, 1))
        rnn_output, context = rnn_output.squeeze(0), context.squeeze(1)
        concat_output = torch.tanh(self.concat(torch.cat((rnn_output, context), 1)))
        return F.softmax(self.out(concat_output), dim=1), hidden


def maskNLLLoss(inp, target, mask):
    nTotal = mask.sum()
    crossEntropy = -torch.log(torch.gather(inp, 1, target.view(-1, 1)).squeeze(1))
    loss = crossEntropy.masked_select(mask).mean()
    loss = loss.to(device)
    return loss, nTotal.item()


def make():
    encoder = EncoderRNN(8, nn.Embedding(input_lang.n_words, 8), n_layers=2)
    decoder = LuongAttnDecoderRNN("concat", nn.Embedding(output_lang.n_words, 8), 8, output_lang.n_words, n_layers=2)
    return encoder.to(device), decoder.to(device)


def train_step(batch, encoder, decoder, encoder_optimizer, decoder_optimizer, teacher_forcing_ratio, clip=50.0):
    input_variable, lengths, target_variable, mask = batch
    encoder_optimizer.zero_grad()
    decoder_optimizer.zero_grad()
    input_variable, target_variable, mask = (t.to(device) for t in (input_variable, target_variable, mask))
    lengths = lengths.to("cpu")  # for rnn packing
    loss, print_losses, n_totals = 0, [], 0
    encoder_outputs, encoder_hidden = encoder(input_variable, lengths)
    batch_size = input_variable.size(1)
    decoder_input = torch.LongTensor([[SOS_token for _ in range(batch_size)]])
    decoder_input = decoder_input.to(device)
    decoder_hidden = encoder_hidden[: decoder.n_layers]
    use_teacher_forcing = True if random.random() < teacher_forcing_ratio else False
    for t in range(target_variable.size(0)):
        decoder_output, decoder_hidden = decoder(decoder_input, decoder_hidden, encoder_outputs)
        if use_teacher_forcing:
            decoder_input = target_variable[t].view(1, -1)
        else:
            _, topi = decoder_output.topk(1)
            decoder_input = torch.LongTensor([[topi[i][0] for i in range(batch_size)]])
            decoder_input = decoder_input.to(device)
        mask_loss, nTotal = maskNLLLoss(decoder_output, target_variable[t], mask[t])
        loss += mask_loss
        print_losses.append(mask_loss.item() * nTotal)
        n_totals += nTotal
    loss.backward()
    _ = nn.utils.clip_grad_norm_(encoder.parameters(), clip)
    _ = nn.utils.clip_grad_norm_(decoder.parameters(), clip)
    encoder_optimizer.step()
    decoder_optimizer.step()
    return sum(print_losses) / n_totals


@torch.no_grad()
def evaluate(encoder, decoder, sentence, max_length=10):
    words = [input_lang.word2index[w] for w in sentence.split(" ")] + [EOS_token]
    lengths = torch.tensor([len(words)])
    input_batch = torch.LongTensor([words]).transpose(0, 1).to(device)
    encoder_outputs, encoder_hidden = encoder(input_batch, lengths)
    decoder_hidden = encoder_hidden[: decoder.n_layers]
    decoder_input = torch.ones(1, 1, device=device, dtype=torch.long) * SOS_token
    all_tokens = torch.zeros([0], device=device, dtype=torch.long)
    all_scores = torch.zeros([0], device=device)
    for _ in range(max_length):
        decoder_output, decoder_hidden = decoder(decoder_input, decoder_hidden, encoder_outputs)
        decoder_scores, decoder_input = torch.max(decoder_output, dim=1)
        all_tokens = torch.cat((all_tokens, decoder_input), dim=0)
        all_scores = torch.cat((all_scores, decoder_scores), dim=0)
        decoder_input = torch.unsqueeze(decoder_input, 0)
    words = [output_lang.index2word[token.item()] for token in all_tokens]
    print(sentence, "=", " ".join(w for w in words if w not in ("EOS", "PAD")))
    return all_tokens.tolist() + all_scores.tolist()


def train(encoder, decoder, steps):
    random.seed(0)
    encoder_optimizer = optim.Adam(encoder.parameters(), lr=0.01)
    decoder_optimizer = optim.Adam(decoder.parameters(), lr=0.01 * 5.0)
    loader = DataLoader(Pairs(), batch_size=3, shuffle=True, collate_fn=collate_fn)
    losses = []
    encoder.train()
    decoder.train()
    while len(losses) < steps:
        for batch in loader:
            loss = train_step(batch, encoder, decoder, encoder_optimizer, decoder_optimizer, 0.5)
            losses.append(loss)
        print("Iteration: {}; Average loss: {:.4f}".format(len(losses), losses[-1]))
    encoder.eval()
    decoder.eval()
    return losses + evaluate(encoder, decoder, "je suis petit")


if __name__ == "__main__":
    train(*make(), steps=int(sys.argv[1]) if len(sys.argv) > 1 else 100)
